"""A host application in one file: it keeps its own tokens, reports to the portal, and shows its own consent page.

    PORTAL=https://portal.example KEY=sps_… HOST_APP_SIGNING_SECRETS=… WEBHOOK_SECRET=whsec_… python host.py

It needs django, requests, joserfc and standardwebhooks. Its people and tokens are in memory, and its provider is made
up; what a real application must do as well is said where it is left out. See docs/host-application.md.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import make_server

import requests
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.views.decorators.csrf import csrf_exempt
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PORTAL, KEY = os.environ["PORTAL"].rstrip("/"), os.environ["KEY"]
SECRETS = [secret.strip() for secret in os.environ["HOST_APP_SIGNING_SECRETS"].split(",")]
WEBHOOK_SECRET = os.environ.get("WEBHOOK_SECRET", "")
SOURCE, ORIGIN = "host:app", os.environ.get("ORIGIN", "http://127.0.0.1:8100")
HOST, PORT = urlsplit(ORIGIN).hostname or "", urlsplit(ORIGIN).port or 80
COOKIE = "host_person"  # cookies of one host ignore the port, and the portal may be another port of this one

MAY = "2025-05-04T08:00:00+00:00"

# reference id -> what the application knows of a person
PEOPLE = {
    "ref-hana": {"email": "hana@example.com", "name": "Hana", "locale": "en", "plan": "plus"},
    "ref-ivo": {"email": "ivo@example.com", "name": "Ivo", "locale": "en", "plan": "plus"},
}
# the application's own key of a connection -> whose it is, its token and what that may read; no token leaves this file
CONNECTIONS: dict[str, dict[str, Any]] = {
    "c-hana": {"person": "ref-hana", "provider": "oura", "scopes": ["daily", "heartrate"], "token": "t-1", "at": MAY},
    "c-ivo": {"person": "ref-ivo", "provider": "oura", "scopes": ["daily"], "token": "t-2", "at": MAY},
}
EVENTS: dict[str, dict[str, Any]] = {}  # what the portal reported, by its id

log = logging.getLogger(__name__)


# What the application reports.


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The portal's answer to a call of its API."""
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = requests.request(method, f"{PORTAL}/api/v1/{path}", json=body, headers=headers, timeout=10)
    answer.raise_for_status()
    return answer.json()


def put(path: str, body: dict[str, Any]) -> None:
    """Report something. It may be repeated: a PUT that arrives twice changes nothing."""
    if refused := call("PUT", path, body)["refused"]:
        log.warning("%s: refused: %s", path, refused)


def report_people() -> None:
    """Report who the people are, up to 1,000 a call."""
    put("people", {"people": [{"reference_id": key, **person} for key, person in PEOPLE.items()]})


def report_connections(*keys: str) -> None:
    """Report how these connections are now, with the time of the last consent: a new one settles the link."""
    rows = [
        {
            "source": SOURCE,
            "provider": CONNECTIONS[key]["provider"],
            "user_id": key,
            "reference_id": CONNECTIONS[key]["person"],
            "scopes": CONNECTIONS[key]["scopes"],
            "state": "active",
            "consented_at": CONNECTIONS[key]["at"],
        }
        for key in keys
    ]
    put("connections", {"connections": rows})


# The application's consent page, which links lead to.


class NotARequest(Exception):
    """The request is none of the portal's, or has ended."""


def opened(request: str) -> dict[str, Any]:
    """What the portal says in a request. Raises NotARequest."""
    for secret in SECRETS:
        try:
            return opened_by(secret, request)
        except (JoseError, ValueError):
            continue
    raise NotARequest


def opened_by(secret: str, request: str) -> dict[str, Any]:
    """The same by one secret. Raises JoseError, ValueError where it is another's, or was made for another."""
    key = OctKey.import_key(sha256(secret.encode()).digest())
    signed = jwe.decrypt_compact(request, key, algorithms=["dir", "A256GCM"]).plaintext or b""
    claims = jwt.decode(signed, OctKey.import_key(secret), algorithms=["HS256"]).claims
    rules = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": SOURCE},
        aud={"essential": True, "value": ORIGIN},
        exp={"essential": True},
    )
    rules.validate(claims)
    return claims


def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """Show what is asked for; by POST, take the person's answer, report it, and send them back."""
    try:
        given = opened((request.POST if request.method == "POST" else request.GET).get("request", ""))
    except NotARequest:
        return page("This link does not work any more. Open the one in your mail again.", status=400)
    if request.get_signed_cookie(COOKIE, default="") != given["sub"]:
        # A mail can be forwarded, so nobody connects anything before they are signed in as the one it was sent to.
        return page("Sign in as the person whom the link was sent to", names_form(request, request.get_full_path()))
    if request.method != "POST":
        return consent_page(request, given)
    granted = [scope for scope in given["scope"].split() if scope in request.POST.getlist("scope")]
    if "decline" in request.POST or not granted:
        return HttpResponseRedirect(f"{given['failure_url']}&reason=access_denied")
    # A real application leads to the provider's own consent screen here, and has the scopes from its token response.
    key = given.get("connection") or f"c-{secrets.token_hex(8)}"
    CONNECTIONS[key] = {
        "person": given["sub"],
        "provider": given["provider"],
        "scopes": granted,
        "token": secrets.token_urlsafe(),
        "at": datetime.now(UTC).isoformat(),
    }
    report_connections(key)  # before the person is back: then they read the result at once
    return HttpResponseRedirect(given["return_url"])


def consent_page(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    """A box for each scope; those that the person has already are ticked."""
    missing = given["missing"].split()
    boxes = format_html_join(
        "\n",
        '<p><label><input type="checkbox" name="scope" value="{}"{}> {}</label></p>',
        ((scope, "" if scope in missing else " checked", scope) for scope in given["scope"].split()),
    )
    buttons = format_html('<button>{}</button> <button name="decline" value="1">{}</button>', "Allow", "Not now")
    hidden = format_html('<input type="hidden" name="request" value="{}">', request.GET["request"])
    return page(format_html("What may we read at {}?", given["provider"]), form(request, hidden, boxes, buttons))


def names_form(request: HttpRequest, there: str) -> str:
    """Sign in and go on to `there`. A real application checks a password; this one believes whoever says a name."""
    names = format_html_join(" ", '<button name="person" value="{}">{}</button>', ((k, k) for k in PEOPLE))
    return form(request, format_html('<input type="hidden" name="next" value="{}">', there), names, action="/sign-in")


def sign_in(request: HttpRequest) -> HttpResponse:
    """Remember who it is, and go on to a page of our own."""
    there = request.POST.get("next", "")
    person = request.POST.get("person", "")
    if person not in PEOPLE or not (there == "/" or there.startswith("/connect/")):
        return page("Who are you?", status=400)
    response = HttpResponseRedirect(there)
    response.set_signed_cookie(COOKIE, person, httponly=True, samesite="Lax")
    return response


# What the portal reports to the application.


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """Take an event in once it is verified. It may come twice, so it is stored by its id."""
    if not WEBHOOK_SECRET:
        return HttpResponse(status=404)
    try:
        event = Webhook(WEBHOOK_SECRET).verify(request.body, dict(request.headers))
    except (WebhookVerificationError, ValueError):
        return HttpResponse(status=401)
    EVENTS[request.headers["webhook-id"]] = event
    return HttpResponse(status=204)


def home(request: HttpRequest) -> HttpResponse:
    """The settings of a user of the application: what is missing, why, and a button where a link would help."""
    person = request.get_signed_cookie(COOKIE, default="")
    if person not in PEOPLE:
        return page("Sign in", names_form(request, "/"))
    lines: list[str] = []
    for connection in call("GET", f"people/{person}")["connections"]:
        lines.append(f"{connection['provider_name']}: {connection['health']}")
        words = [missing["person"] for missing in connection["missing"] if missing["person"]]
        lines += [f"{one['label']}: {' '.join(one['why'])}" for one in words]
        if connection["link_helps"] in ("yes", "partly"):
            button = format_html('<button name="provider" value="{}">{}</button>', connection["provider"], "Fix it")
            lines.append(form(request, button, action="/fix"))
    lines += [f"event: {event.get('type')}" for event in EVENTS.values()]
    return page(f"Settings of {PEOPLE[person]['name']}", format_html_join("\n", "<div>{}</div>", ((x,) for x in lines)))


def fix(request: HttpRequest) -> HttpResponse:
    """Lead the person to a new link of theirs. The portal refuses one that would not help, and says why."""
    wanted = {
        "reference_id": request.get_signed_cookie(COOKIE, default=""),
        "provider": request.POST.get("provider", ""),
        "source": SOURCE,
    }
    try:
        return HttpResponseRedirect(call("POST", "links", wanted)["url"])
    except requests.HTTPError:
        return page("A new consent would not help now.", status=409)


# Its pages.


def page(title: str, *body: str, status: int = 200) -> HttpResponse:
    """A page that nobody else may show in a frame. Its address, which holds the request, is passed on to nobody."""
    html = format_html("<!doctype html><title>{0}</title><h1>{0}</h1>{1}", title, joined(body))
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY"}
    return HttpResponse(html, status=status, headers=headers)


def form(request: HttpRequest, *fields: str, action: str = "") -> str:
    """A form, protected against other sites."""
    token = format_html('<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request))
    return format_html('<form method="post" action="{}">{}{}</form>', action, token, joined(fields))


def joined(parts: Iterable[str]) -> str:
    """All of it, one after the other; what is no HTML is escaped."""
    return format_html_join("", "{}", ((part,) for part in parts))


urlpatterns = [
    path("", home),
    path("fix", fix),
    path("connect/<slug:provider>", connect),
    path("sign-in", sign_in),
    path("webhooks", webhook),
]


def application() -> WSGIHandler:
    """The application, for any server of WSGI, once it has reported everything."""
    settings.configure(
        ALLOWED_HOSTS=[HOST],
        CSRF_COOKIE_NAME="host_csrf",
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=secrets.token_urlsafe(50),
    )
    found = get_wsgi_application()
    report_people()
    report_connections(*CONNECTIONS)
    return found


if __name__ == "__main__":
    with make_server(HOST, PORT, application()) as server:
        log.warning("Serving at %s", ORIGIN)
        server.serve_forever()
