"""Facts: how they arrive, in words."""

from __future__ import annotations

import pytest

from scopes.facts import OBSERVATIONS, OriginKind


@pytest.mark.parametrize("kind", OriginKind)
def test_every_way_of_arriving_has_a_noun_with_the_right_article(kind: OriginKind) -> None:
    article, noun = kind.a_noun.split(" ", 1)
    assert noun == kind.noun and article == ("an" if noun[0].lower() in "aeiou" else "a")


def test_what_reports_a_state_is_no_report_of_when_it_changed() -> None:
    assert {kind for kind in OriginKind if kind not in OBSERVATIONS} == {
        OriginKind.WEBHOOK, OriginKind.RETURN, OriginKind.REFRESH, OriginKind.POLICY, OriginKind.ACT,
        OriginKind.SUCCESSOR,
    }  # fmt: skip
