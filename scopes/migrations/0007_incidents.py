from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from scopes.migrations._roles import grant

LOOK = ["incident.view_incident"]
END = [*LOOK, "incident.end_incident"]
ROLES = {"viewer": LOOK, "agent": LOOK, "lead": END, "engineer": END, "auditor": LOOK}


def give(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0006_jobs_and_budgets"),
    ]

    operations = [
        migrations.CreateModel(
            name="HeldFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=20)),
                ("happened_at", models.DateTimeField()),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="held_facts", to="scopes.connection"
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scopes.integration",
                    ),
                ),
                (
                    "listing",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="held_facts",
                        to="scopes.listing",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("listing", "integration", "connection"), name="held_once_for_listing_and_connection"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["inactive", "doubtful"])), name="held_state_breaks"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Incident",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("released", "Released"),
                            ("discarded", "Discarded"),
                            ("over", "Over by itself"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("broken", models.PositiveIntegerField()),
                ("working", models.PositiveIntegerField()),
                ("opened_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("author", models.CharField(blank=True, max_length=150)),
                ("reason", models.TextField(blank=True)),
                ("ticket", models.CharField(blank=True, max_length=120)),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="incidents", to="scopes.integration"
                    ),
                ),
                (
                    "listing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="incidents", to="scopes.listing"
                    ),
                ),
            ],
            options={
                "permissions": [("end_incident", "Can release or discard what an incident holds back")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("integration",),
                        name="one_open_incident_per_integration",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="incident_is_open_or_ended",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["released", "discarded"]), _negated=True),
                            models.Q(models.Q(("author", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="incident_is_ended_by_somebody_and_why",
                    ),
                ],
            },
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
        # Every pulse moves every night: room on each page lets it stay there, so that no index is written.
        migrations.RunSQL(
            "ALTER TABLE scopes_pulse SET (fillfactor = 70)", "ALTER TABLE scopes_pulse RESET (fillfactor)"
        ),
    ]
