"""A request has one id: its answer carries it, and each of its lines names it."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from scopes.models import Delivery
from tests.sources.terra.conftest import event
from tests.views.conftest import signature

MADE = re.compile("[0-9a-f]{32}")


@pytest.mark.django_db
@pytest.mark.parametrize("sent", ["01JDQ5J0Q6T3M8", "0af7651916cd43dd8448eb211c80319c", "a.b:c_d-e", "x" * 40])
def test_an_id_that_is_safe_is_taken_returned_and_logged(sent: str, client: Client, lines: io.StringIO) -> None:
    answer = client.get("/nothing/", headers={"x-request-id": sent})

    assert answer.headers["X-Request-ID"] == sent
    assert [json.loads(line)["request_id"] for line in lines.getvalue().splitlines()] == [sent]


UNSAFE = [
    "",
    "short",
    "x" * 41,
    "a b c d e f",
    'x"12345678',
    "x12345678\n",
    "ada@example.org",
    "ünïcödes",
    "{12345678}",
]


@pytest.mark.django_db
@pytest.mark.parametrize("sent", UNSAFE)
def test_any_other_is_replaced_and_appears_nowhere(sent: str, client: Client, lines: io.StringIO) -> None:
    answer = client.get("/nothing/", headers={"x-request-id": sent, "x-correlation-id": "correlated"})

    given = answer.headers["X-Request-ID"]
    assert MADE.fullmatch(given)
    assert [json.loads(line)["request_id"] for line in lines.getvalue().splitlines()] == [given]
    assert not sent or sent not in lines.getvalue()
    assert "correlated" not in lines.getvalue()


@pytest.mark.parametrize(("address", "secure"), [("/healthz", False), ("/admin/", False), ("/admin/login/%00", True)])
def test_each_request_has_another_id_also_where_it_goes_no_further(address: str, secure: bool, client: Client) -> None:
    ids = {client.get(address, secure=secure).headers["X-Request-ID"] for _ in range(3)}

    assert len(ids) == 3 and all(map(MADE.fullmatch, ids))


@pytest.mark.django_db
def test_a_delivery_s_line_names_it_and_the_request_that_brought_it(
    client: Client, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRA_ENVIRONMENTS", "production")
    for name, value in {"DEV_ID": "dev", "API_KEY": "key", "SIGNING_SECRETS": "whsec"}.items():
        monkeypatch.setenv(f"TERRA_PRODUCTION_{name}", value)
    body = json.dumps(event("auth")).encode()
    headers = {"x-terra-signature": signature("whsec", body, timezone.now()), "x-request-id": "from-the-proxy"}

    answer = client.post("/hooks/terra/production/", body, content_type="application/json", headers=headers)

    assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "from-the-proxy")
    stored = [line for line in map(json.loads, lines.getvalue().splitlines()) if "stored" in line["event"]]
    delivery = Delivery.objects.get()
    assert [(line["event"], line["request_id"]) for line in stored] == [
        (f"delivery {delivery.pk} stored", "from-the-proxy")
    ]
