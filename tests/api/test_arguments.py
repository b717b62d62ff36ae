"""Only the parameters that are offered, each once."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from ninja import Schema

from scopes.api import arguments
from scopes.api.problems import Problem


class Offered(Schema):
    health: str = ""


@pytest.mark.parametrize(
    ("query", "code"), [("helth=ok", "parameter_unknown"), ("health=ok&health=broken", "parameter_repeated")]
)
def test_what_is_not_offered_is_refused(query: str, code: str) -> None:
    with pytest.raises(Problem, match=code):
        arguments.only(RequestFactory().get(f"/?{query}"), Offered)


def test_what_is_offered_raises_nothing() -> None:
    arguments.only(RequestFactory().get("/?health=ok"), Offered)
