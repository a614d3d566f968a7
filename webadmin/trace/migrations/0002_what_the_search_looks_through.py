from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models
from django.db.models import Q

# Of what is older, the events that begin a trace are found as well.
FILL = """
UPDATE trace_event SET words = lower(concat_ws(' ', nullif(sender, ''), nullif(recipient, ''),
    nullif(message_id_field, ''), host(remote_host)))
WHERE kind IN ('accepted', 'refused')
"""


class Migration(migrations.Migration):
    dependencies = [("trace", "0001_first_tables")]

    operations = [
        TrigramExtension(),
        migrations.AddField("traceevent", "subject", models.TextField(db_default="", default="")),
        migrations.AddField("traceevent", "envid", models.TextField(db_default="", default="")),
        migrations.AddField("traceevent", "words", models.TextField(db_default="", default="")),
        migrations.AddField("traceevent", "facts", models.JSONField(null=True)),
        migrations.RunSQL(FILL, ""),
        migrations.AddIndex("traceevent", models.Index(fields=["remote_host", "at"], name="trace_by_remote_host")),
        migrations.AddIndex(
            "traceevent",
            GinIndex(
                fields=["words"],
                opclasses=["gin_trgm_ops"],
                name="trace_by_words",
                condition=~Q(words=""),
            ),
        ),
    ]
