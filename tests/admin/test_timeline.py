"""The timeline of a person: what happened, in order, by kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scopes.facts import ConnectionSeen, Origin, OriginKind
from scopes.models import Source
from tests import cast as people


def test_links_and_the_timeline_are_there_and_can_be_filtered(records: Source, read: Callable[..., str]) -> None:
    page = read("Ben")
    for saying in (
        "Oura: connected",
        "Oura: reauth link created",
        "Oura: opened the link",
        "Link issued by agent-agent",
    ):
        assert saying in page
    only_links = read("Ben", query="?kind=links")
    assert "reauth link created" in only_links and "Oura: connected" not in only_links
    assert "Oura: connected" in read("Ben", query="?kind=made-up")


@pytest.mark.usefixtures("cast")
def test_what_a_file_reported_is_shown_with_the_file_s_name(read: Callable[..., str]) -> None:
    file = Origin("terra:prod", OriginKind.FILE, "old.csv sha256:0123456789abcdef")
    people.take_in(ConnectionSeen("whoop", "w", people.NOW, "ref-ada", ("read:sleep",)), origin=file)

    page = read("Ada")

    assert "WHOOP: first reported" in page
    assert "by imported file old.csv sha256:0123456789abcdef" in page
    assert "for at least" in page
