"""The addresses of the doors."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from scopes.admin.screens import desk
from scopes.views import reauth, webhook

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", desk.urls),
    path("hooks/terra/<slug:environment>/", webhook.terra, name="terra_webhook"),
    path("hooks/terra/<slug:environment>", webhook.terra),  # a redirect to the slash would lose the body
    path("r/back/<str:key>", reauth.back, name="reauth_back"),
    path("r/result/<str:key>", reauth.result, name="reauth_result"),
    path("r/<str:public_id>/<str:secret>", reauth.link_page, name="reauth_landing"),
    path("r/<path:rest>", reauth.incomplete),
]
