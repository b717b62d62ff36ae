from typing import Any

from django.db import migrations

from scopes.migrations._roles import grant


def let_engineers(apps: Any, schema_editor: object) -> None:
    grant(apps, {"engineer": ["apikey.manage_api_keys"]})


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0010_reported_errors"),
    ]

    operations = [migrations.RunPython(let_engineers, migrations.RunPython.noop)]
