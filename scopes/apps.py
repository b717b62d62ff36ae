"""The one app, as Django knows it."""

from django.apps import AppConfig


class ScopesConfig(AppConfig):
    """Its checks and its tags are found by their modules' names."""

    name = "scopes"
    verbose_name = "Scopes"
    default_auto_field = "django.db.models.BigAutoField"
