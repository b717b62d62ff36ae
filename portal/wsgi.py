"""The door for WSGI servers."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from portal.startup import refuse_to_serve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as problem:
    refuse_to_serve(problem)
# Else the first request waits for all of the desk to be loaded: seconds, of the few that a webhook has.
_ = get_resolver().url_patterns
