"""A policy is published with one event that says what it changes, however many connections that are."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes import flow
from scopes.judge import census, policy
from scopes.models import OutboxEvent
from scopes.outbox import publication
from tests import cast
from tests.outbox.receiving import endpoint, written

pytestmark = pytest.mark.django_db

NEEDS_SPO2 = {**cast.OURA_POLICY, "requirements": [
    *cast.OURA_POLICY["requirements"], {"feature": "nights", "any_of": ["spo2"], "title": {"en": "Nights"}},
]}  # fmt: skip


def test_one_event_has_the_numbers_and_where_the_list_is() -> None:
    cast.assemble()
    consented = [cast.consent(f"p{number}", "oura", ("daily", "heartrate", "workout")) for number in range(30)]
    cast.take_in(*consented)
    census.take(cast.NOW)
    endpoint()

    published = cast.policy_for("oura", NEEDS_SPO2, now=cast.NOW)

    ((kind, data),) = written()
    assert kind == "policy.published"
    assert (data["source"], data["provider"], data["policy"]) == ("terra:prod", "oura", published.number)
    assert data["becoming"] == {"blocked": 30}
    assert data["missing"] == [
        {
            "scope": "spo2",
            "reason": "declined",
            "connections": 30,
            "list": "/api/v1/connections?source=terra%3Aprod&provider=oura&scope=spo2&reason=declined",
        }
    ]


def test_consents_that_move_to_another_version_are_no_events_of_their_own() -> None:
    cast.assemble()
    endpoint(types=["connection.broken", "connection.fixed", "scopes.missing", "scopes.granted"])

    cast.policy_for("oura", NEEDS_SPO2, now=cast.NOW, since=cast.CONSENTED - timedelta(days=1))

    assert not OutboxEvent.objects.exists()


def test_a_policy_that_is_not_published_is_not_reported() -> None:
    cast.assemble()
    endpoint()
    integration = cast.integration_of("oura")
    draft = policy.draft(integration, cast.OURA_POLICY, author="Pat", now=cast.NOW)
    flow.publish(draft, now=cast.NOW)
    with pytest.raises(Exception, match="draft it anew"):
        flow.publish(draft, now=cast.NOW)
    assert [kind for kind, _ in written()] == ["policy.published"]


def test_nothing_is_published_again_while_the_catalogue_means_the_same() -> None:
    cast.assemble()
    assert publication.publish_catalogue(cast.NOW) == []
