"""Where everything is reached."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.urls import include, path

handler500 = "portal.outage.failed"
urlpatterns = [
    path("", include("scopes.urls")),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what is not there. Django's reads the form that came with it, and fails where it cannot be read."""
    return HttpResponseNotFound(render_to_string("404.html"))
