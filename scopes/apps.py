from django.apps import AppConfig


class ScopesConfig(AppConfig):
    name = "scopes"
    verbose_name = "Scopes"
    default_auto_field = "django.db.models.BigAutoField"
