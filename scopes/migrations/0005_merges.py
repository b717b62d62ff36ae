from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from scopes.migrations._roles import grant

ROLES = {"lead": ["merge.merge_connections"]}

# What was joined, when and by whom stays as it was written, and so does a merge that was parted. Why it was joined may
# be proved better later, what the survivor would be without it goes on, and free text may have to forget somebody.
REFUSE = """
CREATE TRIGGER merge_is_only_parted BEFORE UPDATE ON scopes_merge
    FOR EACH ROW WHEN (
        (OLD.absorbed_id, OLD.survivor_id, OLD.absorbed_user_id, OLD.survivor_user_id, OLD.joined_id, OLD.merged_at,
         OLD.author, OLD.waivers)
        IS DISTINCT FROM
        (NEW.absorbed_id, NEW.survivor_id, NEW.absorbed_user_id, NEW.survivor_user_id, NEW.joined_id, NEW.merged_at,
         NEW.author, NEW.waivers)
        OR (OLD.parted_at IS NOT NULL
            AND (OLD.parted_at, OLD.parted_by, OLD.why, OLD.standing_id)
                IS DISTINCT FROM (NEW.parted_at, NEW.parted_by, NEW.why, NEW.standing_id))
    ) EXECUTE FUNCTION scopes_refuse_change();
"""
ALLOW = "DROP TRIGGER merge_is_only_parted ON scopes_merge;"


def give(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0004_live_checks_and_silence"),
    ]

    operations = [
        migrations.CreateModel(
            name="Merge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("old_user", "The source named the id that was replaced"),
                            (
                                "minted",
                                "The new id was made for a link of this connection, which did not work any more",
                            ),
                            ("account", "Both have the same account at the provider"),
                            ("inferred", "The old one did not work any more, and the person has no other"),
                            ("agent", "An agent merged them"),
                        ],
                        max_length=10,
                    ),
                ),
                ("absorbed_user_id", models.CharField(max_length=120)),
                ("survivor_user_id", models.CharField(max_length=120)),
                ("merged_at", models.DateTimeField()),
                ("author", models.CharField(blank=True, max_length=150)),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=120)),
                ("reference_id", models.CharField(blank=True, max_length=255)),
                ("provider_user_id", models.CharField(blank=True, max_length=255)),
                ("consented_at", models.DateTimeField(blank=True, null=True)),
                ("scopes_at", models.DateTimeField()),
                ("link_at", models.DateTimeField()),
                ("unlisted", models.JSONField(blank=True, null=True)),
                ("last_webhook_on", models.DateField(blank=True, null=True)),
                ("last_data_on", models.DateField(blank=True, null=True)),
                (
                    "waivers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list),
                ),
                ("parted_at", models.DateTimeField(blank=True, null=True)),
                ("parted_by", models.CharField(blank=True, max_length=150)),
                ("parted_reason", models.TextField(blank=True)),
                ("parted_ticket", models.CharField(blank=True, max_length=120)),
            ],
            options={
                "permissions": [("merge_connections", "Can merge connections that are one, and part them again")],
            },
        ),
        migrations.CreateModel(
            name="SuspectedDuplicate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("merged", "Merged"), ("two", "They are two")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("author", models.CharField(blank=True, max_length=150)),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=120)),
            ],
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", True), models.Q(("provider_user_id", ""), _negated=True)),
                fields=["provider_user_id", "integration"],
                name="connection_by_account",
            ),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", True), ("person__isnull", True)),
                fields=["id"],
                name="connection_orphaned",
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="absorbed",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="merges", to="scopes.connection"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="joined",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scopes.standing"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="standing",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="scopes.standing"
            ),
        ),
        migrations.AddField(
            model_name="merge",
            name="survivor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="merges_into_it", to="scopes.connection"
            ),
        ),
        migrations.AddField(
            model_name="suspectedduplicate",
            name="first",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="suspected_seconds", to="scopes.connection"
            ),
        ),
        migrations.AddField(
            model_name="suspectedduplicate",
            name="second",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="suspected_firsts",
                to="scopes.connection",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parted_at__isnull", True)),
                fields=("absorbed",),
                name="one_open_merge_per_connection",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("absorbed", models.F("survivor")), _negated=True), name="merge_joins_two"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("why", "agent"), _negated=True),
                    models.Q(models.Q(("author", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="agent_merges_by_name_and_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("parted_at__isnull", True), ("parted_by", ""), ("parted_reason", "")),
                    models.Q(
                        ("parted_at__isnull", False),
                        models.Q(("parted_by", ""), _negated=True),
                        models.Q(("parted_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="merge_is_parted_by_somebody_and_why",
            ),
        ),
        migrations.AddIndex(
            model_name="suspectedduplicate",
            index=models.Index(condition=models.Q(("state", "open")), fields=["id"], name="suspected_open"),
        ),
        migrations.AddConstraint(
            model_name="suspectedduplicate",
            constraint=models.UniqueConstraint(fields=("second", "first"), name="suspected_once_per_pair"),
        ),
        migrations.AddConstraint(
            model_name="suspectedduplicate",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("second"))), name="suspected_in_the_order_of_recording"
            ),
        ),
        migrations.AddConstraint(
            model_name="suspectedduplicate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state", "open")),
                    models.Q(models.Q(("state", "open"), _negated=True), ("ended_at__isnull", False)),
                    _connector="OR",
                ),
                name="suspected_is_open_or_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="suspectedduplicate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "two"), _negated=True),
                    models.Q(models.Q(("author", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="told_apart_by_somebody_and_why",
            ),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
