from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scopes", "0007_doubts_and_rights"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="reauthlink",
            index=models.Index(fields=["expires_at"], name="link_by_expiry"),
        ),
    ]
