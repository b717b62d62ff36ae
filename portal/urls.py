"""Where everything is reached."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound
from django.template.loader import render_to_string
from django.urls import include, path

handler500 = "portal.database_outage.failed"
urlpatterns = [
    path("", include("scopes.urls")),
]


# Django's own read the form that came with a request, and fail where it cannot be read.


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what is not understood."""
    return HttpResponseBadRequest(render_to_string("400.html"))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for what is not there."""
    return HttpResponseNotFound(render_to_string("404.html"))
