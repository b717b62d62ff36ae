from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0022_cached_values"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListingShard",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("start", models.PositiveBigIntegerField()),
                ("end", models.PositiveBigIntegerField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("seen", models.BinaryField(default=bytes)),
                ("first", models.BinaryField(default=bytes)),
                ("last", models.BinaryField(default=bytes)),
                ("counts", models.JSONField(default=dict)),
                (
                    "listing",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shards",
                        to="scopes.listing",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("listing", "start"), name="shard_once_of_listing_by_start"),
                    models.CheckConstraint(
                        condition=models.Q(("end__isnull", True), ("end__gt", models.F("start")), _connector="OR"),
                        name="shard_ends_after_its_start",
                    ),
                ],
            },
        ),
    ]
