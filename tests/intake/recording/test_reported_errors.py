"""Errors that the host met are kept once for each proof, whatever their order and number."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from scopes.intake.recording.reported_errors import keep
from scopes.models import ReportedError, Source
from tests.cast import NOW, connection_of


@pytest.mark.django_db
def test_in_whatever_order_and_however_often_they_come_they_end_in_the_same_record(cast: Source) -> None:
    pk = connection_of("ben").pk
    errors = [(pk, "token_invalid", text, NOW + timedelta(days=day)) for day, text in ((0, "x"), (1, "b"), (1, "a"))]
    for order in permutations(errors):
        ReportedError.objects.all().delete()
        for one in (*order, *order):
            assert keep(*one)
        row = ReportedError.objects.get()
        assert (row.first_at, row.last_at, row.message) == (NOW, NOW + timedelta(days=1), "b")
    assert keep(pk, "missing_scope", "c", NOW)
    assert ReportedError.objects.count() == 2
    assert not keep(0, "missing_scope", "of a connection that is gone", NOW)
