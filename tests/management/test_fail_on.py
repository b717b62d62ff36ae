"""The places of `--fail-on` are checked before the night begins."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest
from django.core.management.base import CommandError

from scopes.management.fail_on import check_places, condition


@pytest.mark.usefixtures("cast")
def test_a_place_is_a_provider_or_a_source() -> None:
    check_places([condition(text) for text in ("blocked", "blocked@oura>1%", "new-broken@terra:prod>=50")])

    with pytest.raises(CommandError) as refused:
        check_places([condition("blocked@oora"), condition("ok@terra:elsewhere<5")])
    assert str(refused.value) == "There is no provider and no source oora, terra:elsewhere."
    assert refused.value.returncode == 2


def test_what_is_no_condition_is_a_usage_error() -> None:
    with pytest.raises(ArgumentTypeError, match="there is no number 'monsters'"):
        condition("monsters")
