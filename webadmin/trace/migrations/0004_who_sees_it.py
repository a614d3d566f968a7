from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

# Of what is older: the recipients' domains, and the sender's where an account sent it.
FILL = """
UPDATE trace_event SET domains = array_remove(
    string_to_array(regexp_replace(recipient, '[^ ]*@', '', 'g'), ', ')
    || CASE WHEN account_id IS NOT NULL THEN ARRAY[split_part(sender, '@', -1)] ELSE '{}'::text[] END, '')
"""


class Migration(migrations.Migration):
    dependencies = [("trace", "0003_what_hours_came_to")]

    operations = [
        migrations.AddField(
            "traceevent",
            "domains",
            ArrayField(
                models.TextField(),
                default=list,
                db_default=models.Value([], output_field=ArrayField(models.TextField())),
            ),
        ),
        migrations.RunSQL(FILL, ""),
        migrations.AddIndex("traceevent", GinIndex(fields=["domains"], name="trace_by_domains")),
    ]
