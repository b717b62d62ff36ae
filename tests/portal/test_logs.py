"""No line of the log holds a secret or an e-mail address, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings
from django.test import Client

from portal import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What production's log says, line by line."""
    logging.config.dictConfig(logs.configuration(machine_readable=True))
    console = logging.getHandlerByName("console")
    assert isinstance(console, logging.StreamHandler)
    written = io.StringIO()
    console.setStream(written)
    yield written
    logging.config.dictConfig(settings.LOGGING)


def test_a_request_is_logged_without_its_query_and_without_a_link_s_secret(lines: io.StringIO, client: Client) -> None:
    client.get("/r/p4Xq/tHeSecReT/?q=ada%40example.org")
    events = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert "GET /r/p4Xq/(secret)/" in [event.get("request") for event in events]
    assert any("Not Found" in event["event"] for event in events)
    assert "tHeSecReT" not in lines.getvalue()
    assert "example.org" not in lines.getvalue()


def test_a_webhook_leaves_its_own_line_where_it_is_refused_and_none_for_the_request(
    lines: io.StringIO, client: Client
) -> None:
    structlog.contextvars.bind_contextvars(user_id="of the request before")
    client.post("/hooks/terra/nobodys/", b"{}", content_type="application/json")
    assert "of the request before" not in lines.getvalue()
    said = [json.loads(line)["event"] for line in lines.getvalue().splitlines()]
    assert [line for line in said if line.startswith("webhook refused with 404")]
    assert "request_finished" not in lines.getvalue()


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
