"""No line of the log holds a secret or an e-mail address, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from django.test import Client

from portal import logs


@pytest.mark.django_db
def test_a_request_is_logged_without_its_query_and_without_a_link_s_secret(lines: io.StringIO, client: Client) -> None:
    client.get("/r/p4Xq/tHeSecReT/?q=ada%40example.org")
    (event,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (event["request"], event["code"]) == ("GET /r/p4Xq/(secret)", 404)
    assert "tHeSecReT" not in lines.getvalue()
    assert "example.org" not in lines.getvalue()


@pytest.mark.django_db
def test_a_refused_webhook_logs_its_own_line_and_none_for_the_request(lines: io.StringIO, client: Client) -> None:
    structlog.contextvars.bind_contextvars(user_id="of the request before")
    client.post("/hooks/terra/unclaimed/", b"{}", content_type="application/json")
    assert "of the request before" not in lines.getvalue()
    (event,) = [json.loads(line)["event"] for line in lines.getvalue().splitlines()]
    assert event.startswith("webhook refused with 404")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "status"), [("/nothing/", 404), ("/healthz", None), ("/metrics", 404), ("/admin/login/%00", 400)]
)
def test_a_request_leaves_one_line_and_a_probe_none(
    address: str, status: int | None, lines: io.StringIO, client: Client
) -> None:
    client.get(address)
    events = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(events) == (status is not None), events
    if status == 404:
        assert (events[0]["event"], events[0]["code"]) == ("request_finished", 404)


@pytest.mark.parametrize(("path", "written"), [("/healthz", 0), ("/readyz", 0), ("/metrics", 0), ("/admin/", 1)])
def test_gunicorn_logs_no_probe(path: str, written: int, lines: io.StringIO) -> None:
    logging.getLogger("gunicorn.access").info("%(m)s %(s)s", {"m": "GET", "s": "200", "U": path})
    assert lines.getvalue().count("\n") == written


def test_an_exception_s_text_is_scrubbed_too(lines: io.StringIO) -> None:
    try:
        int("no person ada@example.org, see /r/p4Xq/tHeSecReT")
    except ValueError:
        logging.getLogger("anybody").exception("For %s it failed", "Ben+1@example.co.uk")
        structlog.get_logger("anybody").exception("it_failed", who={"reference": ["cy%40example.org"]})
    assert lines.getvalue().count("\n") == 2
    assert "no person (e-mail), see /r/p4Xq/(secret)" in lines.getvalue()
    assert "For (e-mail) it failed" in lines.getvalue()
    assert "example" not in lines.getvalue()
    assert "tHeSecReT" not in lines.getvalue()


SECRET = "tHeSecReT-of_43-signs-aaaaaaaaaaaaaaaaaaaaa"
MISTYPED = [
    "/r/p4Xq/{}",
    "/r//p4Xq/{}",
    "/x//r/p4Xq/{}",
    "/R/p4Xq/{}",
    "/r/a'b/{}",
    "/r/a%20b/{}",
    "/r/a%0Ab/{}",
    '/r/a"b/{}',
    "/r/{}",
    "/r/{}/p4Xq",
    "/r/p4Xq/more/{}",
    "/r/p4Xq//{}",
    "/r%2Fp4Xq%2F{}",
    "/r%252Fp4Xq%252F{}",
    "/%72/p4Xq/{}",
    "/r\\p4Xq\\{}",
    "/r/p4Xq/?{}",
    "/r/p4Xq%3F{}",
    "/rr/p4Xq/{}",
    "/p4Xq/{}",
    "/r/back/{}",
    "/r/result/{}/",
    "/R/BACK/{}",
    "/admin/r/p4Xq/{}",
]
SECRET_BY_LENGTH_ONLY = {"/rr/p4Xq/{}", "/p4Xq/{}", "/r/{}/p4Xq"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "secret"),
    [
        *((address, SECRET) for address in MISTYPED),
        *((address, "tHeSecReT") for address in MISTYPED if address not in SECRET_BY_LENGTH_ONLY),
    ],
)
def test_a_mistyped_address_of_a_link_leaves_no_secret_in_any_line(
    lines: io.StringIO, client: Client, address: str, secret: str
) -> None:
    for method in (client.get, client.post):
        method(address.format(secret), headers={"referer": f"https://testserver{address.format(secret)}"})
    logging.getLogger("gunicorn.access").info('127.0.0.1 "GET %s HTTP/1.1" 404 "-"', address.format(secret))
    logging.getLogger("anybody").warning("Not Found: %s", address.format(secret))
    assert lines.getvalue().count("\n") >= 4
    assert "tHeSecReT" not in lines.getvalue()


@pytest.mark.parametrize("text", ["/admin/people/4/ took 3 s", "r/w of /var/r.txt"])
def test_other_addresses_are_logged_unchanged(text: str) -> None:
    assert logs.scrubbed(text) == text
