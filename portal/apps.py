"""The portal as a Django app, so that its commands replace Django's own."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_migrate

from portal.disposable_database import refuse_to_go_back


class PortalConfig(AppConfig):
    """No models, and the commands that are refused."""

    name = "portal"

    def ready(self) -> None:
        pre_migrate.connect(refuse_to_go_back, dispatch_uid="portal")
