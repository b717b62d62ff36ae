"""What the host met at a connection, in sentences: since the last consent, up to the day that is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from scopes.intake.recording.reported_errors import keep
from scopes.judge.reported_errors import sentences_of
from scopes.models import Source
from tests.cast import CONSENTED, NOW, connection_of


@pytest.mark.django_db
def test_an_error_is_shown_with_its_days_since_the_last_consent(cast: Source) -> None:
    ben = connection_of("ben")
    third = datetime(2026, 11, 3, 9, tzinfo=NOW.tzinfo)
    keep(ben.pk, "token_invalid", "bad token", third)
    keep(ben.pk, "token_invalid", "worse token", third + timedelta(days=2))
    keep(ben.pk, "missing_scope", "an older one", CONSENTED - timedelta(days=1))

    assert sentences_of([ben], None)[ben.pk] == [
        "The host met an error between 3 Nov 2026 and 5 Nov 2026 that proves `token_invalid`: “worse token”."
    ]
    (then,) = sentences_of([ben], third + timedelta(days=1))[ben.pk]
    assert "on 3 Nov 2026" in then
    assert not sentences_of([ben], third - timedelta(days=1))
