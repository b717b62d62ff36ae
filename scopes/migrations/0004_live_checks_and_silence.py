from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.db import migrations, models

from scopes.migrations._roles import grant

ROLES = {"agent": ["livecheck.verify_connection"], "lead": ["livecheck.verify_connection"]}

# An answer stays as it was given.
REFUSE = """
CREATE TRIGGER live_check_is_only_answered BEFORE UPDATE ON scopes_livecheck
    FOR EACH ROW WHEN (
        OLD.answered_at IS NOT NULL
        OR (OLD.connection_id, OLD.author, OLD.batch, OLD.asked_at)
           IS DISTINCT FROM (NEW.connection_id, NEW.author, NEW.batch, NEW.asked_at)
    ) EXECUTE FUNCTION scopes_refuse_change();
"""
ALLOW = "DROP TRIGGER live_check_is_only_answered ON scopes_livecheck;"


def give(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0003_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="LiveCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.CharField(max_length=120)),
                ("author", models.CharField(max_length=150)),
                ("batch", models.UUIDField(blank=True, null=True)),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answer",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("known", "Known"),
                            ("unfinished", "The consent was never finished"),
                            ("not_found", "No such user"),
                            ("down", "No answer"),
                            ("credential", "Our credential was refused"),
                            ("refused", "The question was refused"),
                        ],
                        max_length=12,
                    ),
                ),
                ("active", models.BooleanField(blank=True, null=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), blank=True, null=True
                    ),
                ),
                ("consented_at", models.DateTimeField(blank=True, null=True)),
                ("last_data_on", models.DateField(blank=True, null=True)),
                (
                    "probe",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("answered", "The provider answered"),
                            ("expired", "The authorisation has expired"),
                            ("no_profile", "An error, as when the profile scope is missing"),
                            ("refused", "Refused"),
                            ("down", "No answer"),
                        ],
                        max_length=12,
                    ),
                ),
                ("account", models.CharField(blank=True, max_length=255)),
                ("detail", models.CharField(blank=True, max_length=400)),
            ],
            options={
                "permissions": [("verify_connection", "Can ask a source about a connection")],
            },
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("data_type", models.CharField(blank=True, max_length=60)),
                ("said", models.CharField(max_length=500)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="source",
            name="longest_gap",
            field=models.DurationField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                django.db.models.functions.text.Left(
                    django.db.models.functions.comparison.Coalesce(
                        django.db.models.fields.json.KeyTextTransform(
                            "user_id", django.db.models.fields.json.KeyTextTransform("user", "body")
                        ),
                        django.db.models.fields.json.KeyTextTransform(
                            "user_id", django.db.models.fields.json.KeyTextTransform("new_user", "body")
                        ),
                    ),
                    120,
                ),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("body__isnull", False)),
                name="delivery_about",
            ),
        ),
        migrations.AddField(
            model_name="livecheck",
            name="connection",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="live_checks",
                to="scopes.connection",
            ),
        ),
        migrations.AddField(
            model_name="refusal",
            name="connection",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="refusals",
                to="scopes.connection",
            ),
        ),
        migrations.AddIndex(
            model_name="livecheck",
            index=models.Index(fields=["connection", "-id"], name="live_check_of_connection"),
        ),
        migrations.AddIndex(
            model_name="livecheck",
            index=models.Index(fields=["author", "-asked_at"], name="live_check_by_author"),
        ),
        migrations.AddIndex(
            model_name="livecheck",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)), fields=["batch"], name="live_check_in_batch"
            ),
        ),
        migrations.AddIndex(
            model_name="livecheck",
            index=models.Index(
                condition=models.Q(("answered_at__isnull", True)), fields=["id"], name="live_check_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="livecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at__isnull", True)),
                    models.Q(("answered_at__isnull", False), models.Q(("answer", ""), _negated=True)),
                    _connector="OR",
                ),
                name="live_check_waits_or_is_answered",
            ),
        ),
        migrations.AddConstraint(
            model_name="livecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("author", ""), _negated=True), name="live_check_has_an_author"
            ),
        ),
        migrations.AddConstraint(
            model_name="refusal",
            constraint=models.UniqueConstraint(
                fields=("connection", "data_type"), name="refusal_once_per_kind_of_data"
            ),
        ),
        migrations.AddConstraint(
            model_name="refusal",
            constraint=models.CheckConstraint(
                condition=models.Q(("last_at__gte", models.F("first_at"))), name="refusal_is_last_after_first"
            ),
        ),
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
