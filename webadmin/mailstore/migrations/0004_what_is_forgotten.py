from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailstore", "0003_mark_twins"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="forgotten",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
