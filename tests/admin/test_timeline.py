"""The timeline of a person: what happened, in order, by kind."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from scopes.admin.attempt_words import failures
from scopes.admin.timeline import timeline, trail_of
from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.judge.person import overview_of
from scopes.models import Source
from scopes.reauth.issue import withdraw
from tests import cast as people
from tests.reauth.hands import EVERYTHING, act, after, press, refused, replaced, report, send


def test_links_and_the_timeline_are_there_and_can_be_filtered(records: Source, read: Callable[..., str]) -> None:
    page = read("Ben")
    for saying in ("Oura: connected", "Oura: reauth link created", "Oura: opened the link"):
        assert saying in page
    only_links = read("Ben", query="?kind=links")
    assert "reauth link created" in only_links and "Oura: connected" not in only_links
    assert "Oura: connected" in read("Ben", query="?kind=made-up")


def titles(name: str, kind: str = "") -> list[str]:
    account = overview_of(people.the(name))
    return [event.title for event in timeline(account, trail_of(account, openings=False), failures(account, []), kind)]


def test_what_is_done_to_a_link_is_one_event(cast: Source) -> None:
    link = send(people.the("Ben"), reason="Recovery is empty.", ticket="T-1").link
    assert [title for title in titles("Ben") if "ink" in title] == ["Oura: reauth link created"]
    withdraw(link, act("He called off."), after(5))
    account = overview_of(people.the("Ben"))
    events = timeline(account, trail_of(account, openings=False), {})
    about = {(event.title, event.detail, event.by) for event in events if event.kind != "facts"}
    assert about == {
        ("Oura: reauth link created", "Recovery is empty. Ticket T-1.", "by rex"),
        ("Oura: link withdrawn", "He called off.", "by rex"),
    }
    assert titles("Ben", "acts") == ["Link withdrawn", "Link issued"]


def test_an_attempt_and_the_result_of_its_link_are_one_event(cast: Source) -> None:
    link = send(people.the("Ben")).link
    press(link, "first", after(1))
    report(refused("missing_scopes", "ben", after(2), user_id="first", provider="oura"))
    assert [title for title in titles("Ben") if "tried" in title or "result" in title] == ["Oura: tried to connect"]
    assert "Oura: link result" in titles("Ben", "links")
    press(link, "second", after(3))
    report(replaced("second", "ben-oura", EVERYTHING, "ben", after(4)))
    ends = [title for title in titles("Ben") if re.search("tried|result|settled", title)]
    assert ends == ["Oura: link result", "Oura: tried to connect"]
    assert titles("Ben", "attempts") == ["Oura: tried to connect"] * 2


@pytest.mark.usefixtures("cast")
def test_what_a_file_reported_is_shown_with_the_file_s_name(read: Callable[..., str]) -> None:
    file = Origin("terra:prod", OriginKind.FILE, "old.csv sha256:0123456789abcdef")
    people.take_in(ConnectionSeen("whoop", "w", people.NOW, "ref-ada", ("read:sleep",)), origin=file)

    page = read("Ada")

    assert "WHOOP: first reported" in page
    assert "by imported file old.csv sha256:0123456789abcdef" in page
    assert "for at least" in page
