"""Who has moved from a provider to its successor: decided again whenever one of the two changes, and every night."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scopes import flow
from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, LinkChanged, LinkState, PersonKnown
from scopes.models import EarlierAccount, Move, Source
from scopes.reasons import Health
from scopes.reauth.progress import judgement_of
from tests.cast import CONSENTED, NOW, connection_of, consent, take_in

pytestmark = pytest.mark.django_db
MOVED_ON = datetime.fromisoformat("2026-11-03T09:00:00+00:00")
FITBIT = ConnectionSeen("fitbit", "eve-fitbit", NOW, reference_id="ref-eve", active=True, provider_user_id="FB1")


def google(account: str | None = None, who: str = "eve", at: datetime = MOVED_ON) -> ConsentGiven:
    """A consent at Google Health, which perhaps reports the person's account at Fitbit."""
    given = consent(who, "google_health", ("sleep.readonly",), at)
    return given if account is None else replace(given, earlier_accounts=(("fitbit", account),))


def direct() -> Source:
    return Source.objects.get_or_create(kind="oauth2", name="google", defaults={"production": True})[0]


def moved() -> tuple[str, datetime] | None:
    """How Eve's Fitbit has moved, and since when."""
    return Move.objects.filter(old__user_id="eve-fitbit").values_list("basis", "since").first()


def test_who_connects_the_successor_has_moved_and_nothing_is_broken_for_want_of_it(cast: Source) -> None:
    assert judgement_of(connection_of("eve", "fitbit")).health is Health.BROKEN
    take_in(google())
    assert moved() == ("inferred", MOVED_ON)
    judgement = judgement_of(connection_of("eve", "fitbit"))
    assert (judgement.health, judgement.link_reason, judgement.lines) == (Health.OK, "moved", ())


def test_an_account_that_the_successor_reports_proves_it_whatever_the_order(cast: Source) -> None:
    take_in(google("FB1"), source=direct())
    assert moved() == ("inferred", MOVED_ON), "which account the old one is of is not known"
    take_in(FITBIT)
    flow.record_moves(NOW)
    assert moved() == ("proved", MOVED_ON)


def test_another_account_than_the_old_one_is_no_move(cast: Source) -> None:
    take_in(FITBIT)
    take_in(google("FB2"), source=direct())
    assert moved() is None and EarlierAccount.objects.get().account_id == "FB2"
    assert judgement_of(connection_of("eve", "fitbit")).link_reason == "provider_retired"
    take_in(google("FB1", at=MOVED_ON + timedelta(days=1)), source=direct())
    assert moved() == ("proved", MOVED_ON)


@pytest.mark.parametrize(
    "fact",
    [
        LinkChanged("google_health", "eve-google_health", LinkState.REVOKED, MOVED_ON, reference_id="ref-eve"),
        consent("finn", "google_health", ("sleep.readonly",), MOVED_ON),
        consent("eve", "garmin", ("HEALTH_EXPORT",), MOVED_ON),
    ],
    ids=["a successor that never worked", "somebody else's", "another provider"],
)
def test_nothing_else_is_a_move(cast: Source, fact: ConnectionFact) -> None:
    take_in(fact)
    flow.record_moves(NOW)
    assert moved() is None


def test_a_successor_in_the_test_environment_moves_no_one_of_production(cast: Source) -> None:
    take_in(google(), source=Source.objects.create(kind="terra", name="dev", production=False))
    flow.record_moves(NOW)
    assert moved() is None


def test_who_moved_stays_moved_whatever_is_reported_of_either_later(cast: Source) -> None:
    take_in(google())
    later = NOW + timedelta(days=1)
    take_in(
        LinkChanged("fitbit", "eve-fitbit", LinkState.REVOKED, later, reference_id="ref-eve"),
        LinkChanged("google_health", "eve-google_health", LinkState.REVOKED, later, reference_id="ref-eve"),
        now=later,
    )
    assert moved() == ("inferred", MOVED_ON)
    assert judgement_of(connection_of("eve", "fitbit")).link_reason == "moved"
    assert judgement_of(connection_of("eve", "google_health")).health is Health.BROKEN


def test_a_person_who_is_imported_later_has_moved_by_then(cast: Source) -> None:
    take_in(consent("nia", "fitbit", ("sleep",)), google(who="nia"))
    assert not Move.objects.exists()
    flow.take_in_people([PersonKnown("ref-nia", "nia@example.com")], NOW)
    assert Move.objects.get().old.user_id == "nia-fitbit"


def test_the_night_finds_what_no_fact_did_and_takes_back_what_is_no_move(cast: Source) -> None:
    take_in(google())
    Move.objects.all().delete()
    other = connection_of("finn", "oura").person
    new = connection_of("eve", "google_health")
    new.person = other
    new.save()
    assert flow.record_moves(NOW) == 1
    assert judgement_of(connection_of("eve", "fitbit")).link_reason == "provider_retired"
    new.person = connection_of("eve", "fitbit").person
    new.save()
    assert flow.record_moves(NOW) == 1 and flow.record_moves(NOW) == 0
    assert moved() == ("inferred", MOVED_ON)


def test_who_reconnects_the_old_one_while_it_still_works_has_moved_too(cast: Source) -> None:
    take_in(google(who="finn"))
    take_in(consent("finn", "google_fit", ("fitness.sleep.read",), CONSENTED))
    assert judgement_of(connection_of("finn", "google_fit")).link_reason == "moved"
