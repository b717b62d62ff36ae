"""The ASGI application."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured

from portal.startup_errors import exit_not_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
try:
    application = get_asgi_application()
except ImproperlyConfigured as problem:
    exit_not_loaded(problem)
