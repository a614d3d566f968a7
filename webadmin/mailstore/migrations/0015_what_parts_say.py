"""The text index knows the fields of parts too, from now on: all messages are read again.

Until the worker has done so, searches look through what the index lacks.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("mailstore", "0014_what_the_indexes_answer"),
    ]

    operations = [
        migrations.RunSQL("TRUNCATE mail_wording, mail_reading", ""),
    ]
