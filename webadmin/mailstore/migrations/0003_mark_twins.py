from django.db import migrations

# Copies that were made before: of messages with one content in a folder, each but the first.
MARK = """
UPDATE mail_message m SET twin = true
WHERE EXISTS (SELECT FROM mail_message t
              WHERE t.account_id = m.account_id AND t.content_id = m.content_id AND t.mailbox_id = m.mailbox_id
                AND t.uid < m.uid)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mailstore", "0002_maildrops"),
    ]

    operations = [
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
    ]
