from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from scopes.migrations._roles import grant


def let_them(apps: Any, schema_editor: object) -> None:
    grant(
        apps,
        {
            "viewer": ["escalation.view_escalation"],
            "agent": ["escalation.escalate", "escalation.view_escalation", "note.write_note"],
            "lead": ["escalation.escalate", "escalation.view_escalation", "note.remove_note", "note.write_note"],
            "engineer": ["escalation.answer_escalation", "escalation.view_escalation"],
            "auditor": ["escalation.view_escalation"],
        },
    )


class Migration(migrations.Migration):
    dependencies = [("scopes", "0018_campaigns")]

    operations = [
        migrations.CreateModel(
            name="Escalation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=300)),
                ("title", models.CharField(max_length=300)),
                ("text", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("taken", "In progress"),
                            ("done", "Done"),
                            ("declined", "Declined"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("author", models.CharField(max_length=150)),
                ("reason", models.TextField()),
                ("ticket", models.CharField(blank=True, max_length=120)),
                ("created_at", models.DateTimeField()),
                ("engineer", models.CharField(blank=True, max_length=150)),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="scopes.connection",
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="escalations", to="scopes.integration"
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("escalate", "Can escalate to engineering"),
                    ("answer_escalation", "Can take an escalation, and answer it"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("integration", "what"),
                        name="one_open_escalation_of_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("ended_at__isnull", True), ("state__in", ["open", "taken"])),
                            models.Q(
                                ("ended_at__isnull", False),
                                ("state__in", ["done", "declined"]),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="escalation_is_open_or_answered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("engineer", ""), ("state", "open"), ("taken_at__isnull", True)),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                models.Q(("engineer", ""), _negated=True),
                                ("taken_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="escalation_that_is_not_open_is_somebodys",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reason", ""), _negated=True), models.Q(("text", ""), _negated=True)
                        ),
                        name="escalation_says_what_and_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Note",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("author", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notes",
                        to="scopes.person",
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("write_note", "Can write a note about a person, and remove it"),
                    ("remove_note", "Can remove the notes of others"),
                ],
                "indexes": [models.Index(fields=["person", "-created_at"], name="note_by_person")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("text", ""), _negated=True), models.Q(("author", ""), _negated=True)
                        ),
                        name="note_says_what_and_by_whom",
                    )
                ],
            },
        ),
        migrations.RunPython(let_them, migrations.RunPython.noop),
    ]
