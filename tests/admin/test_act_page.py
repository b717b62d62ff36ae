"""What every act asks for: a form that lacks something loses nothing and does nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from scopes.models import Source, Waiver
from tests.admin.acts import WHY, waive_address


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (WHY | {"until": "yesterday"}, 200),
        ({"until": "2020-01-01", **WHY}, 409),
        (WHY | {"until": "9999-01-01"}, 409),
        ({"until": "", "reason": ""}, 200),
    ],
)
def test_what_is_missing_from_the_form_loses_nothing_and_does_nothing(
    cast: Source, signed_in: Callable[[str], Client], form: dict[str, str], status: int
) -> None:
    answer = signed_in("agent").post(waive_address(), form)

    assert answer.status_code == status and not Waiver.objects.exists()
    assert form["reason"] in answer.content.decode()
