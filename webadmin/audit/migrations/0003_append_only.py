"""Entries are only added: the database refuses to change, delete or truncate them.

An entry outlives its administrator's row: the reference to it, and nothing else, may become null.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.administrator_id IS NULL
            AND to_jsonb(NEW) - 'administrator_id' = to_jsonb(OLD) - 'administrator_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit entries are only added' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_stays();
CREATE TRIGGER audit_entry_stays_all BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays();
"""
BACKWARD = """
DROP TRIGGER audit_entry_stays_all ON audit_entry;
DROP TRIGGER audit_entry_stays ON audit_entry;
DROP FUNCTION audit_entry_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_names_of_accounts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
