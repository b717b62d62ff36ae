"""The audience of a campaign, and the preflight of all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scopes import flow
from scopes.catalogue import default
from scopes.channels.addresses import digests_of
from scopes.facts import ConsentGiven, PersonKnown
from scopes.judge import census
from scopes.models import Connection, Message, Person, Recipient, Source
from scopes.reauth import contact
from scopes.reauth.campaigns import acts, audience
from scopes.reauth.campaigns.acts import Plan
from tests.cast import CONSENTED, NOW, connection_of, consent, integration_of, take_in, the
from tests.reauth.campaigns.running import LIMITS, drafted, where
from tests.reauth.hands import WITHOUT_HEARTRATE, act, send

pytestmark = pytest.mark.django_db


def test_everybody_whom_the_filters_find_is_in_a_group(cast: Source) -> None:
    take_in(consent("stray", "oura", WITHOUT_HEARTRATE))

    campaign = drafted()

    assert where(campaign) == {
        "ada-oura": "left_out not_needed",
        "ben-oura": "waiting",
        "cy-oura": "waiting",
        "dee-apple_health": "left_out on_device",
        "eve-fitbit": "waiting",
        "finn-oura": "left_out not_needed",
        "finn-withings": "left_out not_needed",
        "stray-oura": "left_out unclaimed",
    }
    reasons = Recipient.objects.filter(state="waiting").values_list("connection__user_id", "reason_code")
    assert dict(reasons) == {"ben-oura": "declined", "cy-oura": "revoked", "eve-fitbit": "provider_retired"}
    assert campaign.listed_at == campaign.weighed_at == NOW


def test_the_filters_are_those_of_the_list(cast: Source) -> None:
    oura = connection_of("ben").integration
    assert set(where(drafted(filters={"integration": str(oura.pk), "reason": "declined"}))) == {"ben-oura"}
    assert set(where(drafted(filters={"source": str(oura.source_id), "health": "broken"}))) == {"cy-oura", "eve-fitbit"}
    assert set(where(drafted(filters={"integration": str(oura.pk), "scope": "heartrate"}))) == {"ben-oura"}


def test_a_selection_is_those_that_were_chosen(cast: Source) -> None:
    campaign = drafted(connections=[connection_of("ben").pk, connection_of("cy").pk])
    assert where(campaign) == {"ben-oura": "waiting", "cy-oura": "waiting"}
    assert campaign.kind == "selection"


def test_whoever_must_not_or_cannot_be_written_to_is_left_out(cast: Source) -> None:
    contact.set_mark(the("ben"), act("No more mail."), NOW)
    Person.objects.filter(pk=the("cy").pk).update(email="")
    bounced = send(the("eve"), "fitbit", now=NOW - timedelta(days=9)).link
    (digest,) = digests_of("eve@example.com", LIMITS.keys)
    Message.objects.create(
        link=bounced, state="bounced", detail="550", address_digest=digest, created_at=NOW, due_at=NOW, ended_at=NOW
    )
    found = where(drafted())
    assert {key: found[key] for key in ("ben-oura", "cy-oura", "eve-fitbit")} == {
        "ben-oura": "left_out dont_contact",
        "cy-oura": "left_out no_address",
        "eve-fitbit": "left_out address_refused",
    }


def test_who_has_a_link_that_works_gets_no_other_one(cast: Source) -> None:
    send(the("ben"))
    assert where(drafted())["ben-oura"] == "left_out live_link"


def test_of_two_connections_of_a_person_that_lead_to_one_provider_one_gets_a_link(
    cast: Source, catalogue_with: Callable[..., None]
) -> None:
    catalogue_with(replace(default().provider("google_fit"), retired_on=NOW.date(), successor="google_health"))
    take_in(consent("eve", "google_fit", ("activity",)))
    for _ in ("before there is an integration of it", "and after"):
        of_eve = {key: value for key, value in where(drafted()).items() if key.startswith("eve")}
        assert sorted(of_eve.values()) == ["left_out another_connection", "waiting"]
        integration_of("google_health")


def test_the_newest_of_two_connections_at_one_provider_is_recorded(cast: Source) -> None:
    take_in(ConsentGiven("oura", "ben-second", CONSENTED, reference_id="ref-ben", scopes=WITHOUT_HEARTRATE))
    found = where(drafted())
    assert "ben-oura" not in found and found["ben-second"] == "waiting"


def test_as_many_queries_for_a_batch_as_for_two(cast: Source) -> None:
    def queries(campaign_of: int) -> int:
        who = [f"twin-{campaign_of}-{n}" for n in range(campaign_of)]
        flow.take_in_people([PersonKnown(name, f"{name}@example.com") for name in who], NOW)
        take_in(*(ConsentGiven("oura", name, CONSENTED, reference_id=name, scopes=WITHOUT_HEARTRATE) for name in who))
        pks = list(Connection.objects.filter(user_id__in=who).values_list("pk", flat=True))
        campaign = acts.draft(Plan("Heart rate", 14, 600, connections=pks), act(), NOW)
        with CaptureQueriesContext(connection) as asked:
            audience.weigh(campaign, lambda: NOW, lambda: True, LIMITS)
        assert set(where(campaign).values()) == {"waiting"} and len(where(campaign)) == campaign_of
        return len(asked)

    drafted()
    assert queries(2) == queries(40) <= 30


def test_an_audience_is_recorded_once(cast: Source) -> None:
    campaign = drafted()
    before = where(campaign)
    take_in(consent("ada", "strava", ("read",)))
    census.take(timezone.now())
    audience.record(campaign, NOW)
    assert where(campaign) == before
