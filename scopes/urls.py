"""The addresses of the doors."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from scopes.admin import password_reset, second_factor, single_sign_on
from scopes.admin.home import to_the_desk
from scopes.admin.screens import desk
from scopes.api import api
from scopes.views import mail_reports, reauth, webhook

urlpatterns: list[URLPattern | URLResolver] = [
    path("", to_the_desk),
    path("admin/", include([*second_factor.PAGES, *password_reset.PAGES, *single_sign_on.PAGES])),
    path("admin/", desk.urls),
    path("admin/login/", desk.login, name="account_login"),  # the name that allauth leads to; the desk answers
    path("api/v1/", api.urls()),
    path("hooks/mail/", mail_reports.receive_mail_reports, name="mail_reports"),
    path("hooks/mail", mail_reports.receive_mail_reports),
    path("hooks/<slug:kind>/<slug:name>/", webhook.receive_event, name="webhook"),
    path("hooks/<slug:kind>/<slug:name>", webhook.receive_event),  # a redirect to the slash would lose the body
    path("r/back/<slug:kind>/<slug:name>/", reauth.callback, name="reauth_callback"),
    path("r/back/<str:key>", reauth.back, name="reauth_back"),
    path("r/result/<str:key>", reauth.result, name="reauth_result"),
    path("r/<str:public_id>/<str:secret>", reauth.link_page, name="reauth_landing"),
    path("r/<path:rest>", reauth.incomplete),
]
