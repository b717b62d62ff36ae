"""Attributes by which a view chooses how the portal's middleware treats it.

See portal.request_checks and portal.statement_limits.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse

type View = Callable[..., HttpResponse]


def door(**attributes: object) -> Callable[[View], View]:
    """Mark a view: `methods`, `takes_any_input`, `work`, `busy`."""

    def put(view: View) -> View:
        vars(view).update(attributes)
        return view

    return put
