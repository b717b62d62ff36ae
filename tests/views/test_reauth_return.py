"""What a person sees who returns from the provider."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from scopes.facts import AttemptFailed, ConsentGiven, IdReplaced, LinkChanged, LinkState
from scopes.models import Attempt, Delivery, Source
from scopes.reauth.issue import Issued, withdraw
from tests.cast import EVERYTHING, take_in, the
from tests.reauth.hands import act, send
from tests.views.links import AUTH_URL, address, pressed

pytestmark = pytest.mark.django_db


def test_a_return_is_recorded_and_redirected_to_a_clean_address(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    answer = client.get(f"/r/back/{attempt.key}?end=success&user_id=u&reference_id=ref-ben&resource=OURA")
    assert (answer.status_code, answer["Location"]) == (303, f"/r/result/{attempt.key}")
    returned = Attempt.objects.get().returned or {}
    assert returned["end"] == "success"
    assert returned["parameters"] == {"user_id": ["u"], "reference_id": ["ref-ben"], "resource": ["OURA"]}
    ben.link.refresh_from_db()
    assert ben.link.returned_at is not None and ben.link.outcome == ""
    waiting = client.get(answer["Location"])
    assert waiting["Refresh"] == "4" and "Thank you, one moment" in waiting.content.decode()


def test_a_return_cannot_forge_a_success_or_flood_the_records(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    flood = "&".join(f"p{number}={'x' * 500}" for number in range(60))
    client.get(f"/r/back/{attempt.key}?end=success&reason=%00<b>&{flood}")
    attempt.refresh_from_db()
    assert attempt.state == "open" and len(json.dumps(attempt.returned)) < 8_000
    client.get(f"/r/back/{attempt.key}?end=failure&reason=later")
    assert (Attempt.objects.get().returned or {})["end"] == "success", "the first return is kept"
    assert client.get("/r/back/made-up?end=success").status_code == 404
    assert client.get("/r/result/made-up").status_code == 404
    assert client.post(f"/r/back/{attempt.key}").status_code == 405


def test_a_pending_delivery_is_processed_while_the_person_waits(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=success")
    user = {"user_id": attempt.user_id, "provider": "OURA", "reference_id": "ref-ben", "scopes": ",".join(EVERYTHING)}
    received = timezone.now()
    delivery = Delivery.objects.create(
        source=attempt.source,
        digest=uuid4(),
        kind="user_reauth",
        body={"type": "user_reauth", "status": "warning", "new_user": user, "old_user": user | {"user_id": "ben-oura"}},
        signed_at=received,
        received_at=received,
    )

    page = client.get(f"/r/result/{attempt.key}")

    assert "Thank you, all is connected" in page.content.decode() and "Refresh" not in page
    delivery.refresh_from_db()
    assert delivery.processed_at is not None


def test_a_failure_names_the_boxes_to_leave_ticked_and_offers_another_attempt(
    client: Client, ben: Issued, terra: HTTPServer
) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=failure&reason=missing_scopes")
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert "left unticked" in page and "E-mail address" in page and "Try again" in page
    again = client.post(f"/r/result/{attempt.key}")
    assert again["Location"] == AUTH_URL and ben.link.attempts.count() == 2


@pytest.mark.parametrize(
    ("reason", "words"), [("access_denied", "was not allowed"), ("something_new", "Oura made no connection.")]
)
def test_a_failure_is_explained_in_fitting_words(
    client: Client, cast: Source, terra: HTTPServer, reason: str, words: str
) -> None:
    attempt = pressed(client, send(the("cy"), now=timezone.now()))
    take_in(AttemptFailed(timezone.now(), reason, reference_id="ref-cy"), now=timezone.now())
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert words in page and "You are not connected yet" in page


@pytest.mark.parametrize("reason", ["access_denied", "something_new", "missing_scopes", "admin_consent_required"])
def test_who_has_a_connection_that_works_is_not_called_unconnected(
    client: Client, ben: Issued, terra: HTTPServer, reason: str
) -> None:
    attempt = pressed(client, ben)
    take_in(AttemptFailed(timezone.now(), reason, reference_id="ref-ben"), now=timezone.now())
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert "Nothing has changed" in page and "Your connection is as it was." in page
    assert "not connected" not in page and "made no connection" not in page


def test_who_connects_where_nothing_is_reported_is_not_called_connected(
    client: Client, cast: Source, terra: HTTPServer
) -> None:
    take_in(LinkChanged("withings", "finn-withings", LinkState.REVOKED, timezone.now(), reference_id="ref-finn"))
    issued = send(the("finn"), "withings", now=timezone.now())
    attempt = pressed(client, issued)
    given = ConsentGiven("withings", attempt.user_id, timezone.now(), reference_id="ref-finn", scopes=None)
    take_in(given, IdReplaced("withings", attempt.user_id, "finn-withings", timezone.now(), reference_id="ref-finn"))
    for address_of in (f"/r/result/{attempt.key}", address(issued)):
        page = client.get(address_of).content.decode()
        assert "it does not tell us what you allowed there" in page
        assert "is connected" not in page and "all is connected" not in page and "Try again" not in page


def test_the_result_of_an_ended_link_offers_no_other_attempt(client: Client, ben: Issued, terra: HTTPServer) -> None:
    attempt = pressed(client, ben)
    client.get(f"/r/back/{attempt.key}?end=failure&reason=access_denied")
    withdraw(ben.link, act("Wrong ticket."), timezone.now())
    page = client.get(f"/r/result/{attempt.key}").content.decode()
    assert "Try again" not in page and "support for a new link" in page
    assert client.post(f"/r/result/{attempt.key}").status_code == 410
