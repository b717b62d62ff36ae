"""The sentences and the evidence of an explanation."""

from __future__ import annotations

import pytest

from scopes import flow
from scopes.reasons import Health, Helps
from tests import cast as people
from tests.judge.explanations import WITHOUT_HEART, explained

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("cast")
def test_ben_left_the_box_unticked_when_he_connected() -> None:
    account = explained("ben")

    assert (account.health, account.helps, account.since) == (Health.BLOCKED, Helps.YES, people.CONSENTED)
    assert account.sentences == (
        (
            "Heart rate (`heartrate`) is not granted, so Recovery cannot work."
            " The consent screen asked for this scope and the person left it unticked."
        ),
        "Sleep score and Training log work.",
        "A new link will help. “Heart rate” must stay ticked.",
    )
    (missing,) = [line for line in account.lines if line.held is False]
    assert missing.evidence == (
        "Consent was given on 1 Mar 2026 under policy 2, which asked for it; it was not granted.",
        "Reported by a webhook on 1 Mar 2026.",
    )


@pytest.mark.usefixtures("cast")
def test_eves_provider_is_retired_and_the_successor_is_named() -> None:
    account = explained("eve", "fitbit")

    assert account.sentences == (
        "Fitbit was retired on 30 Oct 2026 and can’t be reconnected.",
        "Send a link to connect Google Health instead.",
    )


def test_after_a_publication_the_evidence_still_names_the_source() -> None:
    flow.take_in_people(people.PEOPLE, people.NOW)
    people.take_in(people.consent("ben", "oura", WITHOUT_HEART))
    people.policy_for("oura", people.OURA_POLICY, since=people.SCREEN_SINCE)

    (missing,) = [line for line in explained("ben").lines if line.held is False]

    assert missing.reason == "declined"
    assert missing.evidence[-1] == "Reported by a webhook on 1 Mar 2026."
