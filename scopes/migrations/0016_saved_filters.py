from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from scopes.migrations._roles import grant


def grant_permissions(apps: Any, schema_editor: object) -> None:
    grant(
        apps,
        {
            "lead": ["connection.export_connections", "savedfilter.share_filter"],
            "auditor": ["connection.export_connections"],
        },
    )


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0015_slow_endpoints"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="connection",
            options={"permissions": [("export_connections", "Can export lists of connections")]},
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=2000)),
                ("author", models.CharField(max_length=150)),
                ("saved_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("share_filter", "Can share a saved filter, and remove shared ones")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "name"), name="saved_filter_once_per_name", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True), models.Q(("query", ""), _negated=True)
                        ),
                        name="saved_filter_has_a_name_and_a_filter",
                    ),
                ],
            },
        ),
        migrations.RunPython(grant_permissions, migrations.RunPython.noop),
    ]
