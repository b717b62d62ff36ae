from importlib import import_module
from typing import Any

from django.db import migrations

roles = import_module("scopes.migrations.0003_roles")
POLICIES = ["policyversion.draft_policy", "policyversion.publish_policy"]


def extend_roles(apps: Any, schema_editor: Any) -> None:
    """Engineers write policies and put them in force."""
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="engineer")
    group.permissions.add(*(roles._permission(apps, name) for name in POLICIES))


class Migration(migrations.Migration):
    dependencies = [("scopes", "0005_contact")]

    operations = [
        migrations.AlterModelOptions(
            name="policyversion",
            options={
                "permissions": [
                    ("draft_policy", "Can draft a policy"),
                    ("publish_policy", "Can publish a policy"),
                ]
            },
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
