from typing import Any

from django.db import migrations

from scopes.migrations._roles import grant
from scopes.roles import ROLES, permissions_of


def make_roles(apps: Any, schema_editor: object) -> None:
    grant(apps, {role: permissions_of(role) for role in ROLES})


def unmake_roles(apps: Any, schema_editor: object) -> None:
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0002_immutable_records"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_roles, unmake_roles)]
