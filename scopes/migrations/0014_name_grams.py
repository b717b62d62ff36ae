import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Nothing is rewritten, nobody waits: the job `name_grams` and the night fill the columns, batch by batch."""

    atomic = False

    dependencies = [("scopes", "0013_messages")]

    operations = [
        migrations.AddField(
            model_name="person",
            name="name_grams",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(db_collation="C"), null=True),
        ),
        migrations.AddField(
            model_name="person",
            name="grams_of",
            field=models.CharField(max_length=200, null=True),
        ),
        AddIndexConcurrently(
            model_name="person",
            index=django.contrib.postgres.indexes.GinIndex(fields=["name_grams"], name="person_by_name_grams"),
        ),
        AddIndexConcurrently(
            model_name="person",
            index=models.Index(
                condition=models.Q(("grams_of", models.F("name")), _negated=True),
                fields=["id"],
                name="person_without_name_grams",
            ),
        ),
        AddIndexConcurrently(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", True)),
                fields=["user_id"],
                name="connection_by_start_of_id",
                opclasses=["varchar_pattern_ops"],
            ),
        ),
    ]
