import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scopes", "0020_steps_of_audits")]

    operations = [
        migrations.CreateModel(
            name="EarlierAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="earlier_accounts",
                        to="scopes.connection",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scopes.provider",
                    ),
                ),
                ("account_id", models.CharField(max_length=255)),
                ("reported_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("connection", "provider"), name="earlier_account_once"),
                    models.CheckConstraint(
                        condition=models.Q(("account_id", ""), _negated=True), name="earlier_account_has_an_id"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MigrationCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "provider",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="scopes.provider",
                    ),
                ),
                ("production", models.BooleanField()),
                ("moved", models.PositiveIntegerField()),
                ("in_progress", models.PositiveIntegerField()),
                ("left_behind", models.PositiveIntegerField()),
                ("taken_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "production"), name="migration_counted_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Move",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "old",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="move", to="scopes.connection"
                    ),
                ),
                (
                    "new",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="moves_here", to="scopes.connection"
                    ),
                ),
                (
                    "basis",
                    models.CharField(choices=[("proved", "Proved"), ("inferred", "Inferred")], max_length=10),
                ),
                ("since", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("old", models.F("new")), _negated=True),
                        name="move_is_to_another_connection",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("basis__in", ["proved", "inferred"])), name="move_basis_known"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="standing",
            name="moved",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="campaign",
            name="progress",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="campaign",
            name="provider",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scopes.provider",
            ),
        ),
        migrations.AddField(
            model_name="campaign",
            name="successor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scopes.integration",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="kind",
            field=models.CharField(
                choices=[("selection", "Selection"), ("filter", "All that match"), ("migration", "Migration")],
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "migration"), ("provider__isnull", False), ("successor__isnull", False)),
                    models.Q(
                        models.Q(("kind", "migration"), _negated=True),
                        ("provider__isnull", True),
                        ("successor__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="campaign_migrates_from_one_to_another",
            ),
        ),
    ]
