"""One connection is judged for scopes that its policy does not name."""

from __future__ import annotations

import pytest

from scopes.judge.missing import judgement_with
from scopes.judge.rules import Judgement
from scopes.models import Integration
from scopes.reasons import Health
from tests.cast import connection_of

pytestmark = pytest.mark.usefixtures("cast")


def reasons(judgement: Judgement) -> dict[str, str]:
    return {line.scopes[0]: line.reason for line in judgement.lines if line.held is False}


def test_a_scope_that_is_asked_about_is_judged_like_a_recommended_one() -> None:
    ada = connection_of("Ada")

    assert judgement_with(ada).health is Health.OK
    judgement = judgement_with(ada, ["stress"])
    assert (judgement.health, reasons(judgement)) == (Health.REDUCED, {"stress": "never_requested"})


def test_what_the_policy_needs_is_judged_as_well() -> None:
    judgement = judgement_with(connection_of("Ben"), ["stress"])

    assert (judgement.health, reasons(judgement)) == (
        Health.BLOCKED, {"heartrate": "declined", "stress": "never_requested"},
    )  # fmt: skip


def test_an_integration_without_a_policy_cannot_be_judged() -> None:
    Integration.objects.update(policy_version=None)
    ada = connection_of("Ada")

    with pytest.raises(ValueError, match=f"connection {ada.pk} has no policy"):
        judgement_with(ada)
