"""The WSGI application."""

from __future__ import annotations

import os

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.urls import get_resolver

from portal.request_checks import Request
from portal.startup_errors import exit_not_loaded


class Handler(WSGIHandler):
    """Django's handler, with our Request."""

    request_class = Request


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
try:
    django.setup(set_prefix=False)
    application = Handler()
except ImproperlyConfigured as problem:
    exit_not_loaded(problem)
# Else the first request waits for all of the desk to be loaded: seconds, of the few that a webhook has.
_ = get_resolver().url_patterns
