"""The one sentence on a connection: what is wrong, why, and whether a link helps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scopes.catalogue import default
from scopes.judge.headline import headline
from scopes.judge.rules import Judgement
from scopes.judge.sentences import ExplainedLine
from scopes.reasons import LINK_REASONS, Health, Helps
from tests.admin.acts import waived
from tests.judge.explanations import explained

OURA = default().providers["oura"]
BLOCKED = Judgement(Health.BLOCKED, Helps.YES, "", "", ())


def missing(label: str, reason: str, *, need: str = "required", remedy: str = "reauthenticate") -> ExplainedLine:
    helps = remedy == "reauthenticate"
    return ExplainedLine(
        (label.lower(),), label, need, False, (f"{label} score",), reason, remedy, helps, None, True, (), True, ""
    )


HEART = missing("Heart rate", "declined")
STRESS = missing("Stress", "never_requested", remedy="change_request")
ANY = [missing(label, "declined") for label in ("Sleep", "Weight", "Workouts", "Blood oxygen")]


@pytest.mark.usefixtures("cast")
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "provider", "said"),
    [
        ("ada", "oura", "All needed permissions are granted."),
        (
            "ben",
            "oura",
            (
                "Heart rate is not granted (left unticked), so Recovery cannot work; a new link will help if “Heart"
                " rate” stays ticked."
            ),
        ),
        ("cy", "oura", "The person removed our access at the provider; a new link will help."),
        (
            "dee",
            "apple_health",
            "The data comes from the person's phone, where the permissions are set; no link helps.",
        ),
        (
            "eve",
            "fitbit",
            "Fitbit was retired on 30 Oct 2026 and can’t be reconnected: send a link to connect Google Health instead.",
        ),
    ],
)
def test_the_cast_in_one_sentence_each(name: str, provider: str, said: str) -> None:
    assert explained(name, provider).headline == said


@pytest.mark.usefixtures("cast")
@pytest.mark.django_db
def test_what_the_person_declined_is_not_called_missing() -> None:
    waived()
    assert "granted but Heart rate, which the person declined" in explained("ben").headline


@pytest.mark.parametrize(
    ("lines", "judgement", "said"),
    [
        (
            [HEART, replace(ANY[0], reason="removed_later", need="recommended")],
            BLOCKED,
            (
                "Heart rate (left unticked) and Sleep (removed later) are not granted, so Heart rate score cannot work"
                " and Sleep score works less well; a new link will help if “Heart rate” and “Sleep” stay ticked."
            ),
        ),
        (
            [HEART, STRESS],
            replace(BLOCKED, helps=Helps.PARTLY),
            (
                "Heart rate (left unticked) and Stress (never requested) are not granted, so Heart rate score and"
                " Stress score cannot work; a new link will help in part if “Heart rate” stays ticked."
            ),
        ),
        (
            [STRESS],
            replace(BLOCKED, helps=Helps.NO),
            (
                "Stress is not granted (never requested), so Stress score cannot work; an engineer has to fix it, and"
                " no link helps before."
            ),
        ),
        (
            ANY,
            BLOCKED,
            (
                "Sleep, Weight and 2 more are not granted (left unticked), so Sleep score, Weight score and 2 more"
                " cannot work; a new link will help if “Sleep”, “Weight” and 2 more stay ticked."
            ),
        ),
        (
            [replace(HEART, reason="not_granted", features=())],
            BLOCKED,
            "Heart rate is not granted; a new link will help if “Heart rate” stays ticked.",
        ),
        (
            [],
            Judgement(Health.UNKNOWN, Helps.VERIFY, "", "", ()),
            (
                "The source doesn’t report scopes, so we can’t tell what is missing; check the connection before you"
                " ask the person for anything."
            ),
        ),
    ],
)
def test_several_things_are_one_sentence(lines: list[ExplainedLine], judgement: Judgement, said: str) -> None:
    assert headline(judgement, lines, OURA) == said


@pytest.mark.parametrize("code", LINK_REASONS)
def test_every_reason_of_a_link_is_one_sentence(code: str) -> None:
    said = headline(Judgement(Health.BROKEN, Helps.NO, code, LINK_REASONS[code].remedy, ()), [], OURA)
    assert said.endswith(".") and ". " not in said
