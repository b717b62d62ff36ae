"""The front page: numbers that add up, an audit that is late, and what each role sees of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from scopes.facts import ConsentGiven
from scopes.models import AuditRun, Delivery, Source
from tests import cast as people
from tests.admin.conftest import night
from tests.admin.reading import words_of


def front(browser: Client) -> str:
    return words_of(browser.get("/admin/").content.decode())


def test_production_is_counted_separately(cast: Source, signed_in: Callable[[str], Client]) -> None:
    staging = people.terra("terra:staging")
    people.take_in(ConsentGiven("oura", "test-1", people.CONSENTED, scopes=("daily",)), source=staging)
    page = signed_in("viewer").get("/admin/")
    groups = {group.title: group.integrations for group in page.context["groups"]}
    oura = groups["Production"][0]
    assert (oura.provider, dict(oura.numbers)) == (
        "Oura", {"ok": 2, "reduced": 0, "blocked": 1, "broken": 1, "unknown": 0},
    )  # fmt: skip
    assert [(one.source, one.total) for one in groups["Test and staging"]] == [("terra:staging", 1)]
    assert sum(one.total for one in groups["Production"]) == 7


@pytest.mark.parametrize(
    ("hours", "state", "says"),
    [
        (None, "", "No audit has finished yet"),
        (2, "done", ""),
        (27, "done", "more than 26 hours ago"),
        (2, "failed", "The last audit failed"),
    ],
)
def test_an_audit_that_is_late_or_failed_is_shown_prominently(
    signed_in: Callable[[str], Client], hours: int | None, state: str, says: str
) -> None:
    now = timezone.now()
    if hours is not None:
        done = now - timedelta(hours=hours)
        AuditRun.objects.create(
            started_at=done - timedelta(hours=25), finished_at=done - timedelta(minutes=9), state="done"
        )
        AuditRun.objects.create(started_at=done, finished_at=done, state=state)
    page = signed_in("viewer").get("/admin/").content.decode()
    loud = page.split('role="alert"')[1].split("</p>")[0] if 'role="alert"' in page else ""
    assert says in loud and bool(says) is bool(loud)


@pytest.mark.parametrize("production", [True, False])
def test_silence_is_shown_prominently_where_it_is_production(
    signed_in: Callable[[str], Client], cast: Source, production: bool
) -> None:
    source = cast if production else people.terra("terra:staging")
    came = timezone.now() - timedelta(hours=30)
    Delivery.objects.create(source=source, digest=uuid4(), kind="auth", signed_at=came, received_at=came)
    page = signed_in("viewer").get("/admin/").content.decode()
    assert (f"No webhook from {source.key} for 30 hours." in page) is production
    words = words_of(page)
    last = f"Silent last 1 day ago, {came.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    assert f"Webhooks terra:prod {last if production else 'None yet'}" in words
    assert production or "terra:staging Silent" in words


def test_an_agent_sees_open_links_and_whom_they_opened_last(
    records: Source, signed_in: Callable[[str], Client]
) -> None:
    browser = signed_in("agent")
    for name in ("Cy", "Ada", "Cy"):
        browser.get(f"/admin/people/{people.the(name).pk}/")
    page = front(browser)
    assert "Ada Lovelace ref-ada Cy Young ref-cy" in page
    assert "Ben Bitdiddle · Oura Opened" in page
    assert "Ada" not in front(signed_in("lead"))


@pytest.mark.django_db
def test_the_sites_own_address_leads_to_the_desk() -> None:
    response = Client().get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
    assert Client().post("/").status_code == 405


def test_the_focus_is_in_the_one_search_box(cast: Source, signed_in: Callable[[str], Client]) -> None:
    page = signed_in("agent").get("/admin/").content.decode()
    assert page.count("data-search") == 1 and page.count("autofocus") == 1


def test_somebody_without_a_role_sees_that_they_have_none(cast: Source, signed_in: Callable[[str], Client]) -> None:
    page = front(signed_in("none"))
    assert "You have no role yet" in page and "Oura" not in page


def test_blocked_and_broken_are_shown_night_by_night(signed_in: Callable[[str], Client], cast: Source) -> None:
    now = timezone.now()
    for ago, blocked, broken in ((3, 1203, 7), (2, 1180, 7), (0, 1191, 7)):
        night(cast, now - timedelta(days=ago), blocked, broken)

    words = front(signed_in("viewer"))

    then, today = f"{now - timedelta(days=3):%-d %b %Y}", f"{now:%-d %b %Y} (today)"
    first = f"{then} (3 days ago)"
    assert f"1,191 blocked on {today}, 12 fewer than on {first} 7 broken on {today}, as many as on {first}" in words
    assert f"{then} 2,000 1,203 7" in words
