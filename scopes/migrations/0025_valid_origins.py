from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Reads all periods, while they are written as ever."""

    dependencies = [("scopes", "0024_origin_of_moves")]

    operations = [ValidateConstraint(model_name="period", name="period_origin_known")]
