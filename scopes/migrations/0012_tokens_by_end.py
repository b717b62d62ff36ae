from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("scopes", "0011_api_key_role"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="token",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="token_by_end"
            ),
        ),
    ]
