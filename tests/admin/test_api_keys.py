"""Keys at the desk: an engineer makes, rotates and revokes them, with a reason; each secret is shown once."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.models import ApiKey, Source, TrailEntry
from tests.admin.reading import words_of
from tests.api.calls import call

pytestmark = pytest.mark.django_db

WHY = {"reason": "The shop reads people.", "ticket": "T-9"}
WHOLE = re.compile(r"sps_[0-9a-f]{16}_[\w-]{43}")


def form(**changed: Any) -> dict[str, Any]:
    return {"name": "shop", "permissions": ["people:read"], "requests_per_minute": "60000", **WHY, **changed}


def post(engineer: Client, screen: str, *arguments: int, **data: Any) -> HttpResponse:
    answer: Any = engineer.post(reverse(f"admin:{screen}", args=arguments), data)
    assert isinstance(answer, HttpResponse)
    return answer


def shown(answer: HttpResponse) -> str:
    """The whole key that a page shows."""
    assert answer.status_code == 200
    [whole] = WHOLE.findall(html.unescape(answer.content.decode()))
    return str(whole)


def works(whole: str) -> bool:
    return call("GET", "key", whole).status_code == 200


def listed(engineer: Client) -> str:
    return words_of(engineer.get(reverse("admin:api_keys")).content.decode())


def test_a_key_is_made_and_shown_once(engineer: Client, cast: Source) -> None:
    tomorrow = timezone.now().date() + timedelta(days=1)
    answer = post(engineer, "make_api_key", **form(sources=[cast.pk], expires_on=f"{tomorrow:%Y-%m-%d}"))
    whole = shown(answer)
    key = ApiKey.objects.get()
    assert works(whole)
    assert (key.name, key.permissions, list(key.sources.all())) == ("shop", ["people:read"], [cast])
    assert key.expires_at == datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=UTC) + timedelta(days=1)
    assert (key.created_by, key.requests_per_minute) == ("agent-engineer", 60_000)
    assert "no-store" in answer["Cache-Control"]
    page = listed(engineer)
    assert "shop" in page
    assert key.public_id in page
    assert "terra:prod" in page
    secret = whole.split("_", 2)[2]
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert secret not in page + str(sessions) + str(list(TrailEntry.objects.values())) + str(ApiKey.objects.values())
    entry = TrailEntry.objects.get(verb="api_key.made")
    assert (entry.actor_name, entry.reason, entry.ticket) == ("agent-engineer", WHY["reason"], "T-9")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"permissions": []},
        {"permissions": ["everything"]},
        {"requests_per_minute": "0"},
        {"requests_per_minute": "60001"},
        {"expires_on": "2020-01-01"},
        {"sources": ["0"]},
        {"reason": ""},
    ],
)
def test_a_form_that_is_wrong_makes_none(engineer: Client, wrong: dict[str, Any]) -> None:
    page = post(engineer, "make_api_key", **form(**wrong)).content.decode()
    assert "errorlist" in page
    assert not ApiKey.objects.exists()


def test_a_rotated_key_has_a_new_secret_and_the_old_one_works_for_a_day(engineer: Client) -> None:
    old = shown(post(engineer, "make_api_key", **form()))
    pk = ApiKey.objects.get().pk
    page = words_of(engineer.get(reverse("admin:rotate_api_key", args=[pk])).content.decode())
    assert "works for another 24 hours" in page
    assert "stops working right away" not in page
    new = shown(post(engineer, "rotate_api_key", pk, **WHY))
    assert (works(old), works(new)) == (True, True)
    assert "previous secret works until" in listed(engineer)
    again = words_of(engineer.get(reverse("admin:rotate_api_key", args=[pk])).content.decode())
    assert "The secret before that one stops working right away." in again
    assert TrailEntry.objects.get(verb="api_key.rotated").reason == WHY["reason"]


def test_a_revoked_key_is_refused_and_nothing_more_is_done_with_it(engineer: Client) -> None:
    whole = shown(post(engineer, "make_api_key", **form()))
    pk = ApiKey.objects.get().pk
    assert post(engineer, "revoke_api_key", pk, **WHY)["Location"] == reverse("admin:api_keys")
    assert not works(whole)
    assert "Revoked" in listed(engineer)
    for screen in ("revoke_api_key", "rotate_api_key"):
        answer = post(engineer, screen, pk, **WHY)
        assert (answer.status_code, "The key is revoked." in answer.content.decode()) == (409, True)
    assert TrailEntry.objects.filter(verb__startswith="api_key").count() == 2


def test_without_a_reason_nothing_is_done(engineer: Client) -> None:
    whole = shown(post(engineer, "make_api_key", **form()))
    pk = ApiKey.objects.get().pk
    for screen in ("revoke_api_key", "rotate_api_key"):
        assert post(engineer, screen, pk, reason="").status_code == 200
    assert works(whole)
    assert TrailEntry.objects.filter(verb__startswith="api_key").count() == 1
