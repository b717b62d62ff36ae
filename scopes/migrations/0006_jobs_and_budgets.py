from typing import Any

from django.db import migrations, models

from scopes.migrations._roles import grant

ROLES = {"engineer": ["jobfailure.view_jobfailure", "jobfailure.retry_job"]}


def give(apps: Any, schema_editor: object) -> None:
    grant(apps, ROLES)


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0005_merges"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestBudget",
            fields=[
                ("key", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="JobFailure",
            fields=[
                ("job", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("words", models.TextField()),
            ],
            options={
                "permissions": [("retry_job", "Can have a failed job tried again")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("words", ""), _negated=True), name="job_failure_says_why"
                    ),
                ],
            },
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
