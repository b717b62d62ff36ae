"""The page of a link: its address for whom and how long, a new one, its status, its withdrawal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import time
from types import SimpleNamespace

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from scopes.models import ReauthLink, Source, TrailEntry
from tests.admin.reading import words_of
from tests.cast import the
from tests.reauth.hands import send

FORM = {"language": "en", "days": "7", "reason": "Asked on the phone.", "ticket": "T-1"}


def page_of(link: ReauthLink) -> str:
    return reverse("admin:link", args=[link.public_id])


def made_by(browser: Client, source: Source) -> ReauthLink:
    """A link for Ben, made at the desk."""
    browser.post(reverse("admin:send_link", args=[the("ben").pk, source.pk, "oura"]), FORM)
    return ReauthLink.objects.get(superseded_by__isnull=True)


def url_shown(browser: Client, link: ReauthLink) -> str:
    return str(browser.get(page_of(link)).context.get("url") or "")


def test_a_reload_shows_the_address_again_and_makes_no_second_link(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    agent = signed_in("agent")
    link = made_by(agent, cast)
    first = url_shown(agent, link)
    assert first and url_shown(agent, link) == first
    assert ReauthLink.objects.count() == 1
    cookie = agent.cookies["portal_link_address"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (page_of(link), True, "Strict")


def test_the_address_is_shown_to_no_other_agent_and_not_after_ten_minutes(
    cast: Source, signed_in: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, lead = signed_in("agent"), signed_in("lead")
    link = made_by(agent, cast)
    assert url_shown(lead, link) == ""
    lead.cookies["portal_link_address"] = agent.cookies["portal_link_address"].value
    assert url_shown(lead, link) == "", "the cookie is worth nothing to somebody else"
    assert url_shown(agent, link)
    monkeypatch.setattr("django.core.signing.time", SimpleNamespace(time=lambda: time() + 601))
    assert url_shown(agent, link) == "", "a browser that keeps the cookie longer gains nothing"
    assert "Send another link" in words_of(agent.get(page_of(link)).content.decode())


def test_a_lost_address_is_replaced_on_the_same_link(cast: Source, signed_in: Callable[[str], Client]) -> None:
    agent, lead = signed_in("agent"), signed_in("lead")
    link = made_by(agent, cast)
    lost = url_shown(agent, link)

    answer = lead.post(reverse("admin:new_link_address", args=[link.public_id]))

    assert (answer.status_code, answer["Location"]) == (303, page_of(link))
    new = url_shown(lead, link)
    assert new and lead.get(new).status_code == 200 and lead.get(lost).status_code == 404
    assert url_shown(agent, link) == "", "the one that no longer works is not shown either"
    assert ReauthLink.objects.count() == 1
    entry = TrailEntry.objects.get(verb="link.address_renewed")
    assert (entry.actor_name, entry.reason, entry.subject) == ("agent-lead", FORM["reason"], link.public_id)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"created_at": timezone.now() - timedelta(minutes=11)}, "only within ten minutes"),
        ({"withdrawn_at": timezone.now()}, "already withdrawn"),
    ],
)
def test_a_link_that_is_older_or_ended_gets_no_new_address(
    cast: Source, signed_in: Callable[[str], Client], changed: dict[str, object], why: str
) -> None:
    agent = signed_in("agent")
    link = made_by(agent, cast)
    ReauthLink.objects.update(**changed)
    assert "New address" not in words_of(agent.get(page_of(link)).content.decode())
    before = ReauthLink.objects.values_list("secret_hash", flat=True).get()
    answer = agent.post(reverse("admin:new_link_address", args=[link.public_id]), follow=True)
    assert why in answer.content.decode()
    assert ReauthLink.objects.values_list("secret_hash", flat=True).get() == before
    assert url_shown(signed_in("agent"), link) == ""


def test_a_viewer_gets_no_new_address(cast: Source, signed_in: Callable[[str], Client]) -> None:
    link = send(the("ben"), now=timezone.now()).link
    viewer = signed_in("viewer")
    page = words_of(viewer.get(page_of(link)).content.decode())
    assert "New address" not in page and "Send another link" not in page
    assert viewer.post(reverse("admin:new_link_address", args=[link.public_id])).status_code == 403
    assert not TrailEntry.objects.filter(verb="link.address_renewed").exists()


def test_withdraw_does_not_look_like_the_primary_act(cast: Source, signed_in: Callable[[str], Client]) -> None:
    link = send(the("ben"), now=timezone.now()).link
    page = signed_in("agent").get(page_of(link)).content.decode()
    assert '<button class="danger">Withdraw the link</button>' in page
    assert 'class="primary"' not in page[page.index("<main") :]


def test_withdrawing_asks_for_a_reason_and_ends_it(cast: Source, signed_in: Callable[[str], Client]) -> None:
    agent = signed_in("agent")
    link = send(the("ben"), now=timezone.now()).link
    assert agent.post(page_of(link), {"reason": ""}).status_code == 200
    assert ReauthLink.objects.filter(withdrawn_at__isnull=True).exists()
    agent.post(page_of(link), {"reason": "Sent to the wrong ticket."})
    assert ReauthLink.objects.filter(withdrawn_at__isnull=False).exists()
    assert "already withdrawn" in agent.post(page_of(link), {"reason": "Again."}).content.decode()


def test_the_page_of_a_link_costs_the_same_for_two_tries_and_for_twenty(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    agent = signed_in("agent")
    link = send(the("ben"), now=timezone.now()).link

    def cost() -> int:
        with CaptureQueriesContext(database) as queries:
            assert agent.get(page_of(link)).status_code == 200
        return len(queries)

    made = [attempt_of(link, number) for number in range(2)]
    agent.get(page_of(link))
    few = cost()
    made += [attempt_of(link, number) for number in range(2, 20)]
    assert cost() == few and len(made) == 20


def attempt_of(link: ReauthLink, number: int) -> object:
    return link.attempts.create(
        source_id=link.integration.source_id, key=f"key-{number}", person=link.person, started_at=timezone.now()
    )
