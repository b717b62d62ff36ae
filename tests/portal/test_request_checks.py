"""Values that no record can store: every route receives them, and none answers 5xx."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote_to_bytes

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from portal.wsgi import application
from scopes.models import Attempt, Delivery, ReauthLink, Source
from tests.admin.conftest import PASSWORD, agent, records, signed_in

__all__ = ["agent", "records", "signed_in"]

SECRET = "whsec-gate"
TOKEN = "a" * 32
FORM = "application/x-www-form-urlencoded"
STRANGE = ["%00", "a%00b", "%ED%A0%80", "a" * 10_000, "%FF%FE", "9" * 30, "9" * 5000, "..%2F.."]
FIELDS = ("reason", "text", "words", "until", "since", "note", "username", "password", "next", "connection")
CHARSETS = ["utf-7", "utf-16", "base64", "idna", "no-such", "utf-8\x00", ""]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "prod")
    for name, value in {"DEV_ID": "dev", "API_KEY": "key", "SIGNING_SECRETS": SECRET}.items():
        monkeypatch.setenv(f"TERRA_PROD_{name}", value)


def routes(patterns: list[URLPattern | URLResolver] | None = None, before: str = "/") -> Iterator[str]:
    """Every route, with `{}` where a converter takes a value."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif "(" not in route:
            parts = route.replace("<", "\0<").replace(">", ">\0").split("\0")
            yield "".join("{}" if part.startswith("<") else part for part in parts)


@contextmanager
def one_connection() -> Iterator[None]:
    """The end of a request closes old connections; the test's own must stay open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def status(
    browser: Client, method: str, address: str, body: bytes = b"", content_type: str = "", cookie: str = ""
) -> tuple[int, dict[str, str]]:
    """What the WSGI server's application answers, with the headers: no exception is caught that gunicorn would see."""
    path, _, query = address.partition("?")
    sent = RequestFactory().generic(method, "/", body, "text/plain").environ | {
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "HTTP_COOKIE": "; ".join(
            [*(f"{name}={morsel.value}" for name, morsel in browser.cookies.items()), f"portal_csrf={TOKEN}", cookie]
        ),
        "HTTP_X_CSRFTOKEN": TOKEN,
    }
    response: list[tuple[int, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        response.append((int(status[:3]), dict(headers)))
        return list

    with one_connection():
        answer = application(sent, start)
        list(answer)
        answer.close()
    return response[0]


def assert_plain(response: tuple[int, dict[str, str]], *about: object) -> None:
    code, headers = response
    assert code < 500, about
    if code >= 400:
        assert "no-store" in headers["Cache-Control"], about


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: value[:9])
def test_no_route_fails_for_any_value_in_its_path_or_query(
    records: Source, signed_in: Callable[[str], Client], value: str
) -> None:
    browser = signed_in("everything")
    query = f"?after={value}&before={value}&p={value}&q={value}&as_of={value}&end={value}&{value}=1"
    for route in routes():
        holes = route.count("{}")
        for path in {route.format(*[value] * holes), route.format(*["1"] * holes) + query}:
            assert_plain(status(browser, "GET", path), path[:100])


@pytest.mark.parametrize("value", STRANGE[:6], ids=lambda value: value[:9])
def test_no_form_fails_for_any_value_in_a_field(
    records: Source, signed_in: Callable[[str], Client], value: str
) -> None:
    browser = signed_in("everything")
    form = "&".join([*(f"{name}={value}" for name in FIELDS), f"{value}=1"]).encode()
    for route in routes():
        path = route.format(*["1"] * route.count("{}"))
        if "logout" not in route:
            assert_plain(status(browser, "POST", path, form, FORM), path)


def test_no_route_fails_for_zero_bytes_in_parts_or_in_json(records: Source, signed_in: Callable[[str], Client]) -> None:
    browser = signed_in("everything")
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\na\0b\r\n'
    parts = "".join(part.format(name) for name in FIELDS).encode() + b"--x--\r\n"
    for route in routes():
        path = route.format(*["1"] * route.count("{}"))
        if "logout" not in route:
            assert_plain(status(browser, "POST", path, parts, "multipart/form-data; boundary=x"), path)
            assert_plain(status(browser, "POST", path, b'{"a": "\\u0000\\ud800"}', "application/json"), path)


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_route_fails_for_a_charset(records: Source, signed_in: Callable[[str], Client], charset: str) -> None:
    browser = signed_in("everything")
    body = b"reason=+2AA-+AAA-&text=+2AA-"
    for route in routes():
        path = route.format(*["1"] * route.count("{}")) + "?q=+2AA-%00%FF&end=+AAA-"
        for method, kind in (("GET", "text/plain"), ("POST", FORM), ("POST", "multipart/form-data; boundary=x")):
            if "logout" not in route:
                assert_plain(status(browser, method, path, body, f"{kind}; charset={charset}"), method, path, kind)


@pytest.mark.parametrize("kind", ["a; charset*=x''%00", ";;;=", "a/b; charset*=utf-8'%", "\x80/\xff", "x" * 10_000])
def test_a_content_type_that_cannot_be_read_is_answered(records: Source, kind: str) -> None:
    for path in ("/admin/login/", "/r/back/x", "/healthz", "/hooks/terra/prod/"):
        for method in ("GET", "POST"):
            assert_plain(status(Client(), method, path, b"", kind), method, path)


@pytest.mark.parametrize("path", ["/admin/search/", "/admin/diagnose/", "/admin/login/", "/r/a/b", "/nothing/"])
def test_a_form_that_cannot_be_read_is_400_and_its_page_does_not_read_it_again(
    records: Source, signed_in: Callable[[str], Client], path: str
) -> None:
    browser = signed_in("everything")
    forms = [
        (b"&".join(b"a=%d" % number for number in range(1001)), FORM),
        (b"a=" + b"a" * 2_600_000, FORM),
        (b"--y\r\n", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b"a=b", f"{FORM}; charset=utf-7"),
        (b"a=b", f"{FORM}; charset=utf-16"),
        (b"a" * 10_000, "multipart/form-data; boundary=x; charset=utf-7"),
    ]
    for body, kind in forms:
        code, headers = status(browser, "POST", path, body, kind)
        assert code < 500 and "no-store" in headers["Cache-Control"], (path, kind, len(body))


@pytest.mark.django_db
def test_a_refused_request_gets_our_page_and_is_not_cached() -> None:
    for address in ("/r/a%00/x", "/r/back/%00", "/admin/links/%00/status/", "/static/%00", "/nothing%00"):
        response = Client().get(address)
        assert (response.status_code, response.headers["Cache-Control"]) == (400, "no-store"), address
        assert "Invalid request" in response.text
    assert Client().get("/r/a%00/x").headers["Referrer-Policy"] == "no-referrer"
    assert Client().get("/R//id/secret").headers["Referrer-Policy"] == "no-referrer"


def test_utf_8_by_any_of_its_names_is_accepted(records: Source, signed_in: Callable[[str], Client]) -> None:
    for charset in ("utf-8", "UTF-8", "utf8", "us-ascii"):
        kind = f"{FORM}; charset={charset}"
        code, headers = status(signed_in("agent"), "POST", "/admin/search/", b"words=ben", kind)
        assert (code, "/admin/people/" in headers["Location"]) == (302, True), charset


@pytest.mark.parametrize("query", ["end=%00", "end=success&state=a%00b", "end=%ED%A0%80", "end=" + "a" * 10_000])
@pytest.mark.parametrize("charset", ["", "; charset=utf-7", "; charset=base64"])
def test_a_return_from_the_provider_is_recorded_whatever_its_parameters(
    records: Source, query: str, charset: str
) -> None:
    link = ReauthLink.objects.get()
    attempt = Attempt.objects.create(
        source=records, person=link.person, link=link, key="a-key", started_at=timezone.now(), reference_id="ref-ben"
    )
    code, headers = status(Client(), "GET", f"/r/back/a-key?{query}", b"", f"text/plain{charset}", 'a="\\000"')
    assert (code, headers["Location"], headers["Cache-Control"]) == (303, "/r/result/a-key", "no-store")
    attempt.refresh_from_db()
    assert attempt.returned is not None and "\x00" not in json.dumps(attempt.returned)


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800", "a" * 10_000, quote("\x00")])
def test_a_signed_webhook_with_such_a_value_is_stored(records: Source, value: str) -> None:
    body = f'{{"type": "auth", "status": "success", "user": {{"user_id": "{value}", "provider": "OURA"}}}}'.encode()
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    before = Delivery.objects.count()
    response = Client().generic(
        "POST",
        reverse("webhook", args=["terra", "prod"]),
        body,
        content_type="application/json; charset=utf-16",
        headers={"X-Terra-Signature": f"t={at},v1={signature}"},
    )
    assert (response.status_code, Delivery.objects.count()) == (200, before + 1)


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ['portal_session="a\\000b"', 'portal_csrf="\\000"', '"\\000"=a'])
def test_an_impossible_session_cookie_is_ignored(cookie: str) -> None:
    assert status(Client(), "GET", "/admin/", cookie=cookie)[0] == 302
    assert status(Client(), "GET", "/admin/login/", cookie=cookie)[0] == 200


@pytest.mark.django_db
def test_no_answer_to_a_signed_in_agent_is_cached(agent: Callable[[str], User]) -> None:
    browser = Client()
    assert browser.login(username=agent("agent").username, password=PASSWORD)
    for page in ("", "password_change/", "password_change/done/", "nothing/", "connections/", "login/", "access/"):
        assert "no-store" in browser.get(f"/admin/{page}").headers["Cache-Control"], page
