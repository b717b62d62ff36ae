from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0019_notes_and_escalations"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditrun",
            name="steps",
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
