from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("scopes", "0016_saved_filters"),
    ]

    operations = [
        AddIndexConcurrently(model_name="trailentry", index=models.Index(fields=["at"], name="trail_by_time")),
        AddIndexConcurrently(
            model_name="trailentry",
            index=GinIndex(
                OpClass("detail", "jsonb_path_ops"),
                condition=models.Q(("verb", "people.listed")),
                name="trail_of_listed_people",
            ),
        ),
    ]
