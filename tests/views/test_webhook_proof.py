"""Only deliveries with a valid signature of Terra's are accepted."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from scopes.models import Connection, Delivery, Source
from tests.sources.terra.conftest import event
from tests.views.conftest import NOW, SECRETS, Clock, Deliver, post, signature

pytestmark = pytest.mark.django_db

BODY = json.dumps(event("auth")).encode()
RIGHT = signature(SECRETS["production"], BODY, NOW)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"X-Terra-Signature": signature("whsec-guessed", BODY, NOW)}, BODY),
        ({"X-Terra-Signature": signature(SECRETS["staging"], BODY, NOW)}, BODY),
        ({"X-Terra-Signature": RIGHT}, BODY + b" "),
        ({"X-Terra-Signature": RIGHT}, b""),
        ({"X-Terra-Signature": "", "Terra-Signature": ""}, BODY),
        ({"X-Signature": RIGHT}, BODY),
        ({"X-Terra-Signature": f"{RIGHT[:-1]}é"}, BODY),
        ({"X-Terra-Signature": "näh"}, BODY),
        ({}, BODY),
        ({}, b""),
    ],
    ids=[
        "a wrong secret", "the secret of another environment", "a changed body", "no body", "an empty header",
        "a header of another name", "a letter beyond ASCII", "no signature at all", "no header", "nothing",
    ],
)  # fmt: skip
def test_an_unverified_delivery_is_counted_and_discarded(
    headers: dict[str, str], body: bytes, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert post("/hooks/terra/production/", body, headers) == 401
    assert not Delivery.objects.exists() and not Source.objects.exists() and not Connection.objects.exists()
    counted = [record.getMessage() for record in caplog.records if "webhook refused" in record.getMessage()]
    assert len(counted) == 1 and counted[0].startswith("webhook refused with 401, source terra:production: ")
    for secret in (*headers.values(), *SECRETS.values(), "5f0c1c5e"):
        assert not secret or secret not in counted[0]


def test_without_a_secret_everything_is_refused(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERRA_PRODUCTION_SIGNING_SECRETS", "")
    headers = {"X-Terra-Signature": signature("", BODY, NOW)}
    assert post("/hooks/terra/production/", BODY, headers) == 401


@pytest.mark.parametrize("name", ["X-Terra-Signature", "Terra-Signature"])
def test_either_header_and_each_of_several_secrets_will_do(
    name: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERRA_PRODUCTION_SIGNING_SECRETS", f"whsec-next,{SECRETS['production']}")
    assert post("/hooks/terra/production/", BODY, {name: RIGHT}) == 200
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_a_post_delivers(method: str, client: Client) -> None:
    answer = getattr(client, method)("/hooks/terra/production/", headers={"X-Terra-Signature": RIGHT})
    assert answer.status_code == 405


def test_an_unconfigured_environment_has_no_address(clock: Clock) -> None:
    assert post("/hooks/terra/sandbox/", BODY, {"X-Terra-Signature": RIGHT}) == 404
    assert not Source.objects.exists()


def test_an_address_without_its_last_slash_works_too(clock: Clock) -> None:
    assert post("/hooks/terra/production", BODY, {"X-Terra-Signature": RIGHT}) == 200
    assert Delivery.objects.count() == 1


def test_with_misconfigured_environments_terra_gets_503(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("TERRA_STAGING_API_KEY")
    assert deliver("auth") == 503
    assert "TERRA_STAGING_API_KEY" in caplog.text
