"""Where everything is reached."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("scopes.urls")),
]
