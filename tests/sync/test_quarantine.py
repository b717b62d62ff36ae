"""What breaks in a listing: few are believed at once, many wait until somebody decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from scopes import flow
from scopes.facts import ConnectionSeen, LinkChanged, LinkState, Origin, OriginKind
from scopes.models import Connection, Incident, Listing, Period, QuarantinedFact, Source, TrailEntry
from scopes.models.trail import Act
from scopes.sync import quarantine
from scopes.sync.walk import Seen
from tests import cast
from tests.outbox.receiving import endpoint, written

pytestmark = pytest.mark.django_db

PEOPLE = 60
ORIGIN = Origin("terra:prod", OriginKind.LISTING, "listing")


@pytest.fixture
def source() -> Source:
    source = cast.terra()
    observations = [observation(user_id, cast.NOW - timedelta(days=9)) for user_id in everybody()]
    flow.take_in(source, observations, ORIGIN, cast.NOW - timedelta(days=9))
    return source


@pytest.fixture
def act() -> Act:
    return Act(User.objects.create(username="rex"), "The provider's status page says so.", "T-9")


def everybody() -> list[str]:
    return [f"g{number}" for number in range(PEOPLE)] + [f"o{number}" for number in range(PEOPLE)]


def observation(user_id: str, at: datetime, *, active: bool = True) -> ConnectionSeen:
    provider = "garmin" if user_id.startswith("g") else "oura"
    return ConnectionSeen(provider, user_id, at, scopes=("ACTIVITY_EXPORT",), active=active)


def listed(
    source: Source,
    at: datetime,
    *,
    inactive: Sequence[str] = (),
    absent: Sequence[str] = (),
    rejected: Sequence[str] = (),
) -> quarantine.Weighed:
    """A whole listing, begun at `at`, as `listing.take` walks it; what was weighed."""
    walk = Listing.objects.create(source=source, started_at=at)
    here = [user_id for user_id in everybody() if user_id not in absent]
    take_in = flow.Batches(source, quarantine_breaks=True)
    observed = [observation(user_id, at, active=user_id not in inactive) for user_id in here]
    changes = [LinkChanged("garmin", user_id, LinkState.TOKEN_REJECTED, at) for user_id in rejected]
    recorded = take_in([*observed, *changes], ORIGIN, at)
    quarantine.add(walk, recorded.quarantined)
    seen = Seen()
    for pk in recorded.connections:
        seen.add(pk)
    weighed = quarantine.weigh(source, walk, bytes(seen.bits), at)
    walk.finished_at = at
    walk.save()
    quarantine.apply_believed(source, lambda: at)
    return weighed


def states() -> dict[str, int]:
    links = list(Connection.objects.values_list("standing__link", flat=True))
    return {link: links.count(link) for link in sorted(set(links))}


def first(letter: str, number: int) -> list[str]:
    return [f"{letter}{one}" for one in range(number)]


def test_a_few_that_broke_are_believed_at_once(source: Source) -> None:
    weighed = listed(source, cast.NOW, inactive=first("g", 3), absent=first("o", 2))

    assert (weighed.inactive, weighed.unconfirmed, weighed.quarantined) == (3, 2, 0)
    assert states() == {"active": 2 * PEOPLE - 5, "unconfirmed": 2, "inactive": 3}
    assert not Incident.objects.exists()
    assert not QuarantinedFact.objects.exists()


def test_a_provider_that_breaks_all_at_once_is_an_incident_and_the_others_go_on(source: Source) -> None:
    weighed = listed(
        source, cast.NOW, inactive=first("g", 40), absent=[*first("o", 2), *(f"g{n}" for n in range(40, 55))]
    )

    assert (weighed.inactive, weighed.unconfirmed, weighed.quarantined) == (0, 2, 55)
    incident = Incident.objects.get()
    assert (incident.integration.provider.slug, incident.broken, incident.working) == ("garmin", 55, PEOPLE)
    assert states() == {"active": 2 * PEOPLE - 2, "unconfirmed": 2}


def test_the_next_listing_with_the_same_result_continues_the_incident(source: Source) -> None:
    listed(source, cast.NOW, inactive=first("g", 55))
    listed(source, cast.NOW + timedelta(days=1), inactive=first("g", 58))

    incident = Incident.objects.get()
    assert (incident.state, incident.broken, incident.opened_at) == ("open", 58, cast.NOW)
    assert QuarantinedFact.objects.count() == 58
    assert states() == {"active": 2 * PEOPLE}


def test_a_listing_that_holds_them_again_ends_it_by_itself(source: Source) -> None:
    listed(source, cast.NOW, inactive=first("g", 55))
    listed(source, cast.NOW + timedelta(days=1), inactive=first("g", 1))

    assert Incident.objects.get().state == Incident.State.CLOSED
    assert states() == {"active": 2 * PEOPLE - 1, "inactive": 1}
    assert not QuarantinedFact.objects.exists()


def test_it_is_reported_when_it_opens_changes_and_ends_and_the_connections_once_it_is_applied(
    source: Source, act: Act
) -> None:
    endpoint()
    listed(source, cast.NOW, inactive=first("g", 55))
    listed(source, cast.NOW + timedelta(days=1), inactive=first("g", 58))
    incident = Incident.objects.get()
    quarantine.release(incident.pk, act, lambda: cast.NOW + timedelta(days=2))

    reported = [data for kind, data in written() if kind == "provider.incident"]
    assert [(data["state"], data["broken"]) for data in reported] == [("open", 55), ("open", 58), ("released", 58)]
    assert {(data["incident"], data["source"], data["provider"]) for data in reported} == {
        (incident.pk, "terra:prod", "garmin")
    }
    assert [kind for kind, _ in written()] == ["provider.incident"] * 3 + ["connection.broken"] * 58


def test_released_it_is_applied_as_of_when_it_was_seen_and_never_over_newer_news(source: Source, act: Act) -> None:
    listed(source, cast.NOW, inactive=first("g", 55))
    later = cast.NOW + timedelta(hours=2)
    revoked = LinkChanged("garmin", "g0", LinkState.REVOKED, later)
    flow.take_in(source, [revoked], Origin("terra:prod", OriginKind.WEBHOOK, "1"), later)

    applied = quarantine.release(Incident.objects.get().pk, act, lambda: cast.NOW + timedelta(days=1))

    assert applied == 55
    assert states() == {"active": 2 * PEOPLE - 55, "inactive": 54, "revoked": 1}
    began = Period.objects.filter(until=None, standing__link="inactive").values_list("happened_at", "origin").distinct()
    assert list(began) == [(cast.NOW, "listing")]
    incident, entry = Incident.objects.get(), TrailEntry.objects.get(verb="incident.released")
    assert (incident.state, incident.author, incident.ticket) == ("released", "rex", "T-9")
    assert (entry.actor_name, entry.reason, entry.detail["broken"]) == ("rex", act.reason, 55)


def test_a_large_release_is_begun_at_once_and_ended_by_the_night(
    source: Source, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "AT_ONCE", 10)
    monkeypatch.setattr(quarantine, "BATCH", 10)
    listed(source, cast.NOW, inactive=first("g", 55))

    assert quarantine.release(Incident.objects.get().pk, act, lambda: cast.NOW) == 10
    assert states()["inactive"] == 10
    assert quarantine.apply_believed(source, lambda: cast.NOW) == 45
    assert states()["inactive"] == 55


def test_discarded_it_is_dropped(source: Source, act: Act) -> None:
    listed(source, cast.NOW, inactive=first("g", 55))

    quarantine.discard(Incident.objects.get().pk, act, cast.NOW)

    assert quarantine.apply_believed(source, lambda: cast.NOW) == 0
    assert states() == {"active": 2 * PEOPLE}
    with pytest.raises(quarantine.IncidentEnded, match="discarded"):
        quarantine.release(Incident.objects.get().pk, act, lambda: cast.NOW)


def test_the_other_facts_of_a_quarantined_observation_are_recorded(source: Source) -> None:
    at = cast.NOW
    fact = ConnectionSeen("garmin", "g0", at, scopes=("HEALTH_EXPORT",), active=False, last_webhook_on=at.date())
    recorded = flow.Batches(source, quarantine_breaks=True)([fact], ORIGIN, at)

    row = Connection.objects.select_related("standing", "pulse").get(user_id="g0")
    assert recorded.quarantined == [(row.pk, row.integration_id, at, "inactive")]
    assert (row.standing.link, row.standing.reported, row.pulse.last_webhook_on) == (
        "active",
        ["HEALTH_EXPORT"],
        at.date(),
    )


def test_links_that_a_listing_found_broken_are_weighed_with_the_inactive(source: Source) -> None:
    weighed = listed(source, cast.NOW, rejected=first("g", 3), inactive=first("o", 2))

    assert (weighed.inactive, weighed.unconfirmed, weighed.quarantined) == (5, 0, 0)
    assert states() == {"active": 2 * PEOPLE - 5, "inactive": 2, "token_rejected": 3}
    assert not QuarantinedFact.objects.exists()


def test_many_links_that_a_listing_found_broken_are_an_incident(source: Source, act: Act) -> None:
    weighed = listed(source, cast.NOW, rejected=first("g", 55))

    assert (weighed.inactive, weighed.unconfirmed, weighed.quarantined) == (0, 0, 55)
    assert states() == {"active": 2 * PEOPLE}
    assert set(QuarantinedFact.objects.values_list("state", flat=True)) == {"token_rejected"}

    quarantine.release(Incident.objects.get().pk, act, lambda: cast.NOW)
    assert states() == {"active": 2 * PEOPLE - 55, "token_rejected": 55}
    period = Period.objects.filter(standing__link="token_rejected").first()
    assert period is not None and (period.happened_at, period.origin) == (cast.NOW, "listing")


def test_what_a_listing_finds_of_a_link_that_is_broken_anyway_is_recorded(source: Source) -> None:
    listed(source, cast.NOW, inactive=first("g", 1))
    listed(source, cast.NOW + timedelta(days=1), rejected=first("g", 1))

    assert states() == {"active": 2 * PEOPLE - 1, "token_rejected": 1}
