from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from the tables of moves, so that no lock of periods waits for one of connections."""

    dependencies = [("scopes", "0023_shards_of_listings")]

    operations = [
        migrations.RemoveConstraint(model_name="period", name="period_origin_known"),
        AddConstraintNotValid(
            model_name="period",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "origin__in",
                        [
                            "listing",
                            "webhook",
                            "file",
                            "live_check",
                            "return",
                            "refresh",
                            "policy",
                            "act",
                            "api",
                            "successor",
                        ],
                    )
                ),
                name="period_origin_known",
            ),
        ),
    ]
