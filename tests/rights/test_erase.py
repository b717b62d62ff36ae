"""After an erasure nothing anywhere tells who it was; what was done stays; a killed one leaves everything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, models

from scopes import flow
from scopes.audit.consistency import inconsistencies
from scopes.facts import ConsentGiven, IdReplaced, PersonKnown
from scopes.judge import census
from scopes.models import (
    Connection,
    Delivery,
    Move,
    Period,
    Person,
    ReauthLink,
    ReferenceConflict,
    SavedFilter,
    TrailEntry,
)
from scopes.rights import erased_ids
from scopes.rights.erase import FREE_TEXT, TABLES, NothingStored
from scopes.rights.erased_ids import ErasedBefore, keys_from
from scopes.rights.personal_data import personal_data_of
from scopes.sync import deliveries
from tests import cast
from tests.reauth.hands import rex
from tests.rights.erasing import erased
from tests.rights.lives import IDS, NOW, delivered, google_of_eve, live, places

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

KEYS = keys_from("a secret")
LATER = NOW + timedelta(days=2)


def everything() -> list[tuple[str, list[tuple[object, ...]]]]:
    """Every row of every table of ours."""
    tables = apps.get_app_config("scopes").get_models(include_auto_created=True)
    return [(table.__name__, sorted(table._default_manager.values_list(), key=str)) for table in tables]


def test_no_table_holds_the_person_any_more() -> None:
    live()
    assert {
        "scopes_person.search",
        "scopes_delivery.body",
        "scopes_trailentry.subject",
        "scopes_formerid.user_id",
        "scopes_outboxevent.body",
    } <= (places(*IDS))

    counts = erased()

    assert places(*IDS) == set()
    assert [saved.name for saved in SavedFilter.objects.all()] == ["Blocked"]
    assert not any("searches" in session.get_decoded() for session in Session.objects.all())
    assert counts == {
        "person": 1, "connections": 2, "merges": 1, "link events": 3, "periods": counts["periods"], "waivers": 1,
        "live checks": 1, "refusals": 1, "reported errors": 1, "quarantined facts": 1, "attempts": 2, "links": 2,
        "messages": 1, "campaigns": 1, "notes": 1,
        "do-not-contact marks": 1, "events": counts["events"],
        "activity log entries": counts["activity log entries"], "deliveries": 3,
    }  # fmt: skip


def test_where_somebody_has_moved_is_erased_with_the_account_that_proves_it() -> None:
    cast.take_in(google_of_eve())
    assert Move.objects.exists()
    assert erased("ref-eve")["moves to a successor"] == 1
    assert not Move.objects.exists() and places("eve-at-fitbit") == set()


def test_the_erasure_covers_every_table_with_a_person_or_a_reason() -> None:
    """A new table is decided about here: its rows go, its keys are emptied, or its words are read."""
    tables = list(apps.get_app_config("scopes").get_models(include_auto_created=True))
    deleted = {table for table, _ in TABLES} | {"scopes_pulse", "scopes_token"}
    pointing = {table._meta.db_table for table in tables if _keys_to_somebody(table)}
    explaining = {table for table in tables if "reason" in {field.name for field in table._meta.concrete_fields}}

    assert pointing - deleted == {"scopes_trailentry", "scopes_escalation"}, "and what was done stays there"
    assert explaining - {table for table, _ in FREE_TEXT} == set()


def _keys_to_somebody(table: type[models.Model]) -> list[str]:
    return [field.name for field in table._meta.concrete_fields if field.related_model in (Connection, Person)]


def test_url_encoded_addresses_and_reference_ids_in_another_case_are_erased() -> None:
    live()
    delivered("odd", {"url": "https://x.example/?u=ben%40example.com&n=Ben+Bitdiddle"})
    delivered("odd", {"user": {"reference_id": "REF-Ben"}})
    cast.take_in(ConsentGiven("whoop", "under-another-spelling", NOW, reference_id="REF-BEN", scopes=()))
    flow.take_in_people([PersonKnown("Ref-Ben", "other@example.com", "Another Ben")], NOW)
    cast.take_in(ConsentGiven("whoop", "of-another", NOW, reference_id="Ref-Ben", scopes=()))
    assert {row.user_id for row in personal_data_of("ref-ben").connections} >= {"under-another-spelling"}

    erased()

    assert not Connection.objects.filter(user_id="under-another-spelling").exists()
    assert Connection.objects.get(user_id="of-another").person == Person.objects.get(reference_id="Ref-Ben")
    assert not Delivery.objects.filter(body__url__isnull=False).exists()
    cast.take_in(ConsentGiven("whoop", "back-again", LATER, reference_id="REF-BEN", scopes=()))
    assert erased_ids.mark(KEYS, NOW) == ErasedBefore(connections=1)


def test_others_keep_all_of_theirs() -> None:
    live()
    ada, bennett = personal_data_of("ref-ada").counts(), personal_data_of("ref-bennett").counts()
    erased()
    assert (personal_data_of("ref-ada").counts(), personal_data_of("ref-bennett").counts()) == (ada, bennett)
    assert places("bennett@example.com", "ada@example.com", "ref-ada") >= {
        "scopes_person.email",
        "scopes_delivery.body",
    }
    assert ReauthLink.objects.get().reason == "Like [erased] ([erased])."


def test_a_text_that_fills_its_column_stays_in_it() -> None:
    TrailEntry.objects.create(at=NOW, verb="looked", actor_name="rex", ticket="x" * 112 + " ref-ben")
    erased()
    assert TrailEntry.objects.get(verb="looked").ticket == "x" * 112 + " [erased"


def test_the_trail_keeps_what_happened_without_who() -> None:
    live()
    before = list(TrailEntry.objects.order_by("pk").values_list("at", "verb", "actor", "actor_name", "integration"))
    erased()

    entries = list(TrailEntry.objects.order_by("pk"))
    after = [(row.at, row.verb, row.actor_id, row.actor_name, row.integration_id) for row in entries]
    assert after[:-1] == before
    assert {(row.person_id, row.connection_id) for row in entries if row.subject == "[erased]"} == {(None, None)}
    issued = entries[[row.verb for row in entries].index("link.issued")]
    assert (issued.subject, issued.reason, issued.ticket) == ("[erased]", "[erased]", "")
    assert issued.detail["needs"] == ["heartrate"]
    replayed = TrailEntry.objects.get(verb="delivery.replayed")
    assert (replayed.subject, replayed.reason) == ("delivery 1", "For [erased] ([erased]).")
    done = entries[-1]
    assert (done.verb, done.actor, done.reason, done.ticket) == (
        "person.erased", rex(), "Asked by letter from [erased].", "T-12",
    )  # fmt: skip
    assert done.detail["links"] == 2


def test_an_erased_delivery_stays_without_content_and_creates_no_person() -> None:
    live()
    before = Delivery.objects.count()
    erased()
    assert Delivery.objects.count() == before
    waiting = Delivery.objects.get(kind="daily")
    assert (waiting.body, waiting.error) == (None, "")
    deliveries.process(waiting.pk, LATER)
    waiting.refresh_from_db()
    assert waiting.processed_at == LATER and places(*IDS) == set()


def test_counts_and_records_agree_afterwards() -> None:
    live()
    before = census.take(NOW)
    erased()
    assert census.take(NOW) == before - 1
    assert {question: number for question, number in inconsistencies().items() if number} == {}


def test_an_erasure_again_finds_nothing_and_changes_nothing() -> None:
    live()
    erased()
    before = everything()
    with pytest.raises(NothingStored):
        erased()
    assert everything() == before


def test_merged_connections_go_with_the_one_they_were_merged_into() -> None:
    without = ("email", "daily")
    cast.take_in(ConsentGiven("oura", "ben-second", NOW, "ref-ben", without))
    cast.take_in(IdReplaced("oura", "ben-second", "ben-oura", NOW + timedelta(minutes=1), "ref-ben", without))
    assert Connection.objects.filter(merged_into__isnull=False).count() == 1
    erased()
    assert not Connection.objects.filter(models.Q(user_id__startswith="ben-")).exists()
    assert places("ben-second", *IDS) == set()


def test_who_is_known_to_a_source_only_is_erased_by_the_reference_id() -> None:
    cast.take_in(cast.consent("gus", "oura", ("email",)))
    assert erased("ref-gus")["connections"] == 1
    assert places("ref-gus", "gus-oura") == set()


def test_one_that_is_cut_off_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    live()
    before = everything()

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erased_ids, "remember", cut_off)
    with pytest.raises(KeyboardInterrupt):
        erased()
    assert everything() == before


def test_what_is_written_once_is_still_never_changed() -> None:
    live()
    erased()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O' AND tgname LIKE '%is_%'"
        )
        assert cursor.fetchone()[0] >= 4
    with pytest.raises(Exception, match="never changed"):
        Period.objects.filter(until__isnull=False).update(until=LATER)


def test_that_a_connection_was_reported_for_two_people_goes_with_either() -> None:
    cast.take_in(ConsentGiven("oura", "ada-oura", NOW, reference_id="ref-ben"))
    cast.take_in(ConsentGiven("oura", "ada-oura", NOW, reference_id="REF-STRANGER"))
    cast.take_in(ConsentGiven("oura", "ben-oura", NOW, reference_id="ref-cy"))
    ReferenceConflict.objects.filter(reference_id="ref-cy").update(
        ended_at=NOW, author="rex", reason="As ref-stranger."
    )

    assert erased()["reports for two people"] == 2
    assert list(ReferenceConflict.objects.values_list("reference_id", flat=True)) == ["REF-STRANGER"]
    assert places("ref-ben") == set()

    assert erased("ref-stranger") == {"reports for two people": 1}, "who is known by nothing else"
    assert places("ref-stranger") == set()
    assert Connection.objects.filter(user_id="ada-oura").exists()


def test_why_it_was_dismissed_forgets_whom_it_names() -> None:
    cast.take_in(ConsentGiven("oura", "ada-oura", NOW, reference_id="ref-cy"))
    ReferenceConflict.objects.update(ended_at=NOW, author="rex", reason="As told for ref-ben.")
    erased()
    assert ReferenceConflict.objects.get().reason == "As told for [erased]."
