from django.db import migrations

# What is written once stays as it was written: the database itself refuses, whoever asks.
REFUSE = """
CREATE FUNCTION scopes_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER standing_is_immutable BEFORE UPDATE ON scopes_standing
    FOR EACH ROW EXECUTE FUNCTION scopes_refuse_change();
CREATE TRIGGER verdict_is_immutable BEFORE UPDATE ON scopes_verdict
    FOR EACH ROW EXECUTE FUNCTION scopes_refuse_change();
CREATE TRIGGER policy_content_is_immutable BEFORE UPDATE ON scopes_policyversion
    FOR EACH ROW WHEN (
        OLD.published_at IS NOT NULL
        OR (OLD.integration_id, OLD.number, OLD.content, OLD.created_at, OLD.author)
           IS DISTINCT FROM (NEW.integration_id, NEW.number, NEW.content, NEW.created_at, NEW.author)
    ) EXECUTE FUNCTION scopes_refuse_change();
CREATE TRIGGER period_is_only_closed BEFORE UPDATE ON scopes_period
    FOR EACH ROW WHEN (
        OLD.until IS NOT NULL
        OR (OLD.connection_id, OLD.standing_id, OLD.since, OLD.origin, OLD.origin_record, OLD.happened_at)
           IS DISTINCT FROM
           (NEW.connection_id, NEW.standing_id, NEW.since, NEW.origin, NEW.origin_record, NEW.happened_at)
    ) EXECUTE FUNCTION scopes_refuse_change();
"""

ALLOW = """
DROP TRIGGER period_is_only_closed ON scopes_period;
DROP TRIGGER policy_content_is_immutable ON scopes_policyversion;
DROP TRIGGER verdict_is_immutable ON scopes_verdict;
DROP TRIGGER standing_is_immutable ON scopes_standing;
DROP FUNCTION scopes_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("scopes", "0001_records")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
