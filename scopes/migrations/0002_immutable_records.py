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
CREATE TRIGGER live_check_is_only_answered BEFORE UPDATE ON scopes_livecheck
    FOR EACH ROW WHEN (
        OLD.answered_at IS NOT NULL
        OR (OLD.connection_id, OLD.author, OLD.batch, OLD.asked_at)
           IS DISTINCT FROM (NEW.connection_id, NEW.author, NEW.batch, NEW.asked_at)
    ) EXECUTE FUNCTION scopes_refuse_change();
-- Why it was joined may be proved better later, what the survivor would be without it goes on, and free text may have
-- to forget somebody.
CREATE TRIGGER merge_is_only_undone BEFORE UPDATE ON scopes_merge
    FOR EACH ROW WHEN (
        (OLD.absorbed_id, OLD.survivor_id, OLD.absorbed_user_id, OLD.survivor_user_id, OLD.joined_id, OLD.merged_at,
         OLD.author, OLD.waivers)
        IS DISTINCT FROM
        (NEW.absorbed_id, NEW.survivor_id, NEW.absorbed_user_id, NEW.survivor_user_id, NEW.joined_id, NEW.merged_at,
         NEW.author, NEW.waivers)
        OR (OLD.unmerged_at IS NOT NULL
            AND (OLD.unmerged_at, OLD.unmerged_by, OLD.why, OLD.standing_id)
                IS DISTINCT FROM (NEW.unmerged_at, NEW.unmerged_by, NEW.why, NEW.standing_id))
    ) EXECUTE FUNCTION scopes_refuse_change();
"""

ALLOW = """
DROP TRIGGER merge_is_only_undone ON scopes_merge;
DROP TRIGGER live_check_is_only_answered ON scopes_livecheck;
DROP TRIGGER period_is_only_closed ON scopes_period;
DROP TRIGGER policy_content_is_immutable ON scopes_policyversion;
DROP TRIGGER verdict_is_immutable ON scopes_verdict;
DROP TRIGGER standing_is_immutable ON scopes_standing;
DROP FUNCTION scopes_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("scopes", "0001_records")]

    operations = [
        migrations.RunSQL(REFUSE, ALLOW),
        # Every pulse moves every night: room on each page lets it stay there, so that no index is written.
        migrations.RunSQL(
            "ALTER TABLE scopes_pulse SET (fillfactor = 70)", "ALTER TABLE scopes_pulse RESET (fillfactor)"
        ),
    ]
