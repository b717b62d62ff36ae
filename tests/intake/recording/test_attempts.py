"""A failed attempt is recorded once, with its person and provider where they are named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scopes.facts import AttemptFailed
from scopes.intake.recording.attempts import key_of, record_failures
from scopes.models import Attempt, Source
from tests.cast import NOW, terra, the

pytestmark = pytest.mark.usefixtures("cast")

FAILED = AttemptFailed(NOW, "missing_scopes", "oura", "ref-ben")
OF_SESSION = replace(FAILED, session_id="flow-1")


def test_a_failure_is_recorded_once_however_often_it_is_reported() -> None:
    without_link = AttemptFailed(NOW, "denied" * 99)

    assert record_failures(terra(), [FAILED, FAILED, without_link], NOW) == 2
    assert record_failures(terra(), [FAILED], NOW) == 0

    ben = Attempt.objects.get(person=the("Ben"))
    assert (ben.state, ben.result, ben.ended_at) == ("failed", "missing_scopes", NOW)
    assert ben.provider is not None and ben.provider.slug == "oura"
    other = Attempt.objects.get(person=None)
    assert (other.provider, len(other.result)) == (None, 200)


def test_a_session_identifies_its_failure_whenever_it_is_reported(cast: Source) -> None:
    assert key_of(cast, OF_SESSION) == key_of(cast, replace(OF_SESSION, reference_id="ref-ada"))
    assert key_of(cast, FAILED) != key_of(cast, replace(FAILED, reference_id="ref-ada"))
    assert key_of(cast, FAILED) != key_of(cast, replace(FAILED, reason="denied"))
    assert key_of(cast, FAILED) != key_of(Source(key="terra:staging"), FAILED)
