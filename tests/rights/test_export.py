"""The export holds everything that was put in about one person, and nothing of anybody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scopes.facts import ConsentGiven
from scopes.models import Connection, ReauthLink
from scopes.rights.export import export
from scopes.rights.personal_data import personal_data_of
from tests import cast
from tests.rights.lives import IDS, NOW, google_of_eve, live

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]


def document(reference: str = "ref-ben") -> dict[str, Any]:
    exported: dict[str, Any] = json.loads(json.dumps(export(personal_data_of(reference), NOW)))
    return exported


def test_it_holds_everything_that_was_put_in() -> None:
    live()
    exported = document()

    assert [word for word in IDS if word not in json.dumps(exported)] == []
    assert exported["person"]["email"] == "ben@example.com" and exported["made_at"] == NOW.isoformat()
    (oura,) = (one for one in exported["connections"] if not one["merged"])
    assert (oura["provider"], oura["user_id"], oura["provider_user_id"]) == ("oura", "ben-new", "oura-account-b")
    assert [former["user_id"] for former in oura["former_ids"]] == ["ben-oura"]
    assert [(merge["former_user_id"], merge["why"]) for merge in exported["merges"]] == [("ben-oura", "old_user")]
    assert oura["last_data_on"] == NOW.date().isoformat()
    assert len(oura["periods"]) == Connection.objects.get(user_id="ben-new", merged_into=None).periods.count() >= 3
    assert "heartrate" not in oura["periods"][-1]["scopes"] and oura["periods"][-1]["until"] is None
    assert [waiver["reason"] for waiver in oura["waivers"]] == ["Ben Bitdiddle said no."]
    assert [check["account"] for check in oura["live_checks"]] == ["oura-account-c"]
    assert [refusal["data_type"] for refusal in oura["refusals"]] == ["body"]
    assert [error["message"] for error in oura["reported_errors"]] == ["of ben-new"]
    assert {attempt["provider"] for attempt in exported["attempts"]} == {"whoop", "oura"}
    assert [attempt["returned"]["parameters"] for attempt in exported["attempts"] if attempt["returned"]] == [
        {"reference_id": ["ref-ben"]}
    ]
    assert [link["reason"] for link in exported["links"]] == ["Ben Bitdiddle called.", "Again."]
    assert [(one["state"], one["detail"]) for one in exported["links"][1]["messages"]] == [("bounced", "550")]
    assert [(one["state"], one["reason"]) for one in exported["campaigns"]] == [("sent", "declined")]
    assert [mark["reason"] for mark in exported["dont_contact"]] == ["Ben asked."]
    assert {event["type"] for event in exported["events"]} == {"scopes.missing"}
    assert exported["events"][0]["sent_to"] == [{"endpoint": "host", "state": "waiting", "ended_at": None}]
    assert [delivery["kind"] for delivery in exported["deliveries"]] == ["auth", "daily", "odd"]
    assert {"person.opened", "link.issued", "waiver.ended"} <= {entry["verb"] for entry in exported["trail"]}


def test_it_holds_nothing_of_anybody_else_and_no_secret() -> None:
    live()
    text = json.dumps(document())
    for of_others in ("ada", "Lovelace", "bennett", "ref-cy", "Ada asked"):
        assert of_others not in text
    for link in ReauthLink.objects.all():
        assert bytes(link.secret_hash).hex() not in text and "secret" not in text


def test_a_reference_id_that_only_a_source_reported_can_be_exported() -> None:
    cast.take_in(cast.consent("gus", "oura", ("email",)))
    exported = document("ref-gus")
    assert exported["person"] is None
    assert [row["user_id"] for row in exported["connections"]] == ["gus-oura"]


def test_a_reference_conflict_is_exported_to_each_without_the_other_person() -> None:
    cast.take_in(ConsentGiven("oura", "ada-oura", NOW, reference_id="ref-ben"))
    ada, ben = document("ref-ada"), document("ref-ben")
    (exported,), (named,) = ada["reported_for_another"], ben["named_for"]
    assert (exported["first_at"], exported["reported_by"], exported["record"]) == (NOW.isoformat(), "webhook", "cast")
    assert (named["provider"], named["reference_id"], named["first_at"]) == ("oura", "ref-ben", NOW.isoformat())
    assert "ref-ben" not in json.dumps(ada) and "ada" not in json.dumps(ben)


def test_it_holds_where_somebody_has_moved_and_the_account_that_proves_it() -> None:
    cast.take_in(google_of_eve())
    exported = document("ref-eve")
    assert [(one["from"]["provider"], one["to"]["provider"], one["basis"]) for one in exported["moves"]] == [
        ("fitbit", "google_health", "inferred")
    ]
    assert [one["earlier_accounts"] for one in exported["connections"]] == [
        [],
        [{"provider": "fitbit", "account_id": "eve-at-fitbit"}],
    ]
