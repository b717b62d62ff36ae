from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0007_incidents"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="connection", name="connection_by_standing"),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", True)),
                fields=["standing", "id"],
                include=("person",),
                name="connection_by_standing",
            ),
        ),
        migrations.AddIndex(
            model_name="trailentry",
            index=models.Index(fields=["subject"], name="trail_by_subject"),
        ),
    ]
