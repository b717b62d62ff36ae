"""A link where it would help, or the refusal with its reason; recorded as made by the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from scopes.models import ApiKey, ReauthLink, Source, TrailEntry
from scopes.reauth import contact
from tests import cast as people
from tests.api.calls import call, key_for, problem
from tests.reauth import hands
from tests.reauth.elsewhere import successor_elsewhere

WRITE = ApiKey.Permission.WRITE_LINKS


@pytest.fixture(autouse=True)
def _terra_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PORTAL_URL", "https://portal.example")


def make(name: str, key: str = "", provider: str = "oura", **more: Any) -> HttpResponse:
    return call("POST", "links", key or key_for(WRITE), {"reference_id": f"ref-{name}", "provider": provider, **more})


def made(answer: HttpResponse) -> dict[str, Any]:
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    return found


def test_a_link_is_shown_once_and_says_what_it_fixes(cast: Source) -> None:
    key = key_for(WRITE, name="shop")
    answer = make("ben", key, days=3, ticket="T-1")
    link = made(answer)
    row = ReauthLink.objects.get()
    assert (link["id"], link["source"], link["provider"], link["link_helps"]) == (
        row.public_id, "terra:prod", "oura", "yes",
    )  # fmt: skip
    assert link["url"].startswith(f"https://portal.example/r/{row.public_id}/")
    assert Client().get(link["url"].removeprefix("https://portal.example")).status_code == 200
    assert [(need["scope"], need["reason"]) for need in link["needs"]] == [("heartrate", "declined")]
    assert (link["fixes_connection"], link["left_out"]) == (False, [])
    assert link["url"] in link["message"]
    assert answer["Cache-Control"] == "no-store"
    assert (row.author, row.ticket, row.language, row.reason) == ("API key shop", "T-1", "de", "By the API.")
    assert abs((row.expires_at - timezone.now()).total_seconds() - 3 * 86_400) < 60
    entry = TrailEntry.objects.get(verb="link.issued")
    assert (entry.actor_name, entry.actor, entry.person) == ("API key shop", None, people.the("Ben"))
    secret = link["url"].rpartition("/")[2]
    assert secret not in str(list(TrailEntry.objects.values())) + str(list(ReauthLink.objects.values()))


@pytest.mark.parametrize(("name", "code", "who"), [("ada", "not_needed", "nobody"), ("dee", "on_device", "person")])
def test_where_a_link_would_not_help_the_refusal_says_why(cast: Source, name: str, code: str, who: str) -> None:
    answer = make(name, provider="apple_health" if name == "dee" else "oura")
    assert problem(answer) == (409, "link_would_not_help")
    reason = next(one for one in json.loads(answer.content)["reasons"] if one["code"] == code)
    assert reason["who"] == who
    assert reason["meaning"]
    assert reason["action"]
    assert not ReauthLink.objects.exists()


def test_a_person_who_is_not_to_be_contacted_gets_none(cast: Source) -> None:
    contact.set_mark(people.the("Ben"), hands.act(), timezone.now())
    answer = make("ben")
    assert problem(answer) == (409, "link_not_allowed")
    assert [one["code"] for one in json.loads(answer.content)["reasons"]] == ["dont_contact"]


def test_a_person_gets_as_many_links_as_at_the_desk(cast: Source) -> None:
    key = key_for(WRITE)
    for _ in range(settings.PORTAL_LINKS_A_MONTH):
        link = made(make("ben", key))
        ReauthLink.objects.filter(opened_at__isnull=True).update(opened_at=timezone.now())
    assert "An earlier link is still active. It stops working when you create this one." in link["warnings"]
    answer = make("ben", key)
    assert problem(answer) == (409, "link_not_allowed")
    assert [one["code"] for one in json.loads(answer.content)["reasons"]] == ["too_many_links"]


def test_a_repeat_with_the_same_key_makes_no_second_link(cast: Source) -> None:
    key, body = key_for(WRITE), {"reference_id": "ref-ben", "provider": "oura"}
    assert call("POST", "links", key, body, Idempotency_Key="a").status_code == 201
    assert problem(call("POST", "links", key, body, Idempotency_Key="a")) == (409, "answer_not_stored")
    assert ReauthLink.objects.count() == 1


def test_another_key_s_person_and_source_are_as_if_they_did_not_exist(cast: Source) -> None:
    other = people.terra("terra:other")
    key = key_for(WRITE, sources=(other,))
    assert problem(make("ben", key, source="terra:prod")) == (404, "source_unknown")
    assert problem(make("ben", key)) == (404, "person_not_found")
    assert problem(make("gus", source="terra:prod")) == (404, "person_not_found")


def test_a_successor_at_another_key_s_source_is_as_if_it_did_not_exist(
    cast: Source, catalogue_with: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fitbit, _ = successor_elsewhere(catalogue_with, monkeypatch)["fitbit"]
    people.take_in(people.consent("eve", "fitbit", ("activity",)), source=fitbit)
    key = key_for(WRITE, sources=(fitbit,))

    answer = make("eve", key, provider="fitbit")

    assert problem(answer) == (409, "link_would_not_help") and b"google" not in answer.content
    assert [one["code"] for one in json.loads(answer.content)["reasons"]] == ["no_links"]
    assert made(make("eve", provider="fitbit", source="oauth2:fitbit"))["source"] == "oauth2:google"


def test_what_is_not_this_person_s_is_not_found(cast: Source) -> None:
    key = key_for(WRITE)
    assert problem(make("ben", key, connection=people.connection_of("Ada").pk)) == (404, "connection_not_found")
    assert problem(make("ben", key, provider="strava")) == (404, "integration_not_found")
    made(make("ben", key, connection=people.connection_of("Ben").pk))


@pytest.mark.parametrize(
    "wrong", [{"days": 15}, {"days": 0}, {"reason": "\x00"}, {"connection": 2**63}, {"language": "../x"}]
)
def test_what_is_not_of_the_documented_form_makes_nothing(cast: Source, wrong: dict[str, Any]) -> None:
    assert problem(make("ben", **wrong)) == (422, "invalid")
    assert not ReauthLink.objects.exists()
