"""The one app, as Django knows it."""

import gc

from django.apps import AppConfig


class ScopesConfig(AppConfig):
    """Its checks and its tags are found by their modules' names."""

    name = "scopes"
    verbose_name = "Scopes"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """What is loaded by now stays, so the garbage collector need not look through it again and again."""
        gc.freeze()
