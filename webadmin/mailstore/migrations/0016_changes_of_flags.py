"""A change of flags is written into no index.

What is looked for by an index gets columns of its own; which messages a modseq was drawn for is told by a table of
changes. Messages are written anew once, with room left in each page: seconds for a million of them, for which nobody
can use the table.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.lookups
from django.db import migrations, models

import webadmin.mailstore.models

COLUMNS = """
ALTER TABLE mail_message
    SET (fillfactor = 85),
    ADD COLUMN seen boolean NOT NULL GENERATED ALWAYS AS ((flags & 1) = 1) STORED,
    ADD COLUMN deleted boolean NOT NULL GENERATED ALWAYS AS ((flags & 8) = 8) STORED
"""
NO_COLUMNS = "ALTER TABLE mail_message DROP COLUMN seen, DROP COLUMN deleted, RESET (fillfactor)"


def flag(bit: int) -> models.GeneratedField:
    return models.GeneratedField(
        db_persist=True,
        expression=django.db.models.lookups.Exact(
            django.db.models.expressions.CombinedExpression(models.F("flags"), "&", models.Value(bit)), bit
        ),
        output_field=models.BooleanField(),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("mailstore", "0015_what_parts_say"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_by_change"),
        migrations.RemoveIndex(model_name="message", name="message_unseen"),
        migrations.RemoveIndex(model_name="message", name="message_deleted"),
        migrations.RunSQL(
            COLUMNS,
            NO_COLUMNS,
            state_operations=[
                migrations.AddField(model_name="message", name="seen", field=flag(1)),
                migrations.AddField(model_name="message", name="deleted", field=flag(8)),
            ],
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("seen", False)),
                fields=["mailbox_id", "uid"],
                include=("account_id",),
                name="message_unseen",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("deleted", True)),
                fields=["mailbox_id", "uid"],
                include=("account_id",),
                name="message_deleted",
            ),
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "mailbox_id",
                        "modseq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account_id", models.BigIntegerField()),
                ("mailbox_id", models.BigIntegerField()),
                ("modseq", models.BigIntegerField()),
                ("uids", webadmin.mailstore.models.Multirange()),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "mail_change",
                "indexes": [models.Index(fields=["changed_at"], name="change_by_age")],
            },
        ),
        migrations.AddField(
            model_name="mailbox",
            name="unlogged",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="logged",
            field=models.BigIntegerField(db_default=1, default=1),
        ),
        migrations.AlterField(
            model_name="mailbox",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mailboxes",
                to="directory.account",
            ),
        ),
    ]
