from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0014_name_grams"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="is_slow",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
