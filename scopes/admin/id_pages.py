"""Pages of a list by falling id, with the way to the pages around each; every page costs the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest

PAGE = 50
LONGEST = 18


@dataclass(frozen=True, slots=True)
class IdPage:
    """One page, the newest row first. The addresses are empty where there is no such page."""

    rows: list[Any]
    newest: str
    newer: str
    older: str


def page_by_id(request: HttpRequest, rows: QuerySet[Any], filters: Mapping[str, str] | None = None) -> IdPage:
    """The page of `rows` that `before` or `after` in the address names; `filters` stay in the addresses."""
    before, after = (number(request.GET.get(name, "")) for name in ("before", "after"))
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: PAGE + 1])
    else:
        found = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: PAGE + 1])
    shown, further = found[:PAGE], len(found) > PAGE
    if after:
        shown.reverse()
    kept = {name: value for name, value in (filters or {}).items() if value}

    def address(**more: int) -> str:
        return "?" + urlencode({**kept, **more})

    has_newer, has_older = (further, True) if after else (bool(before), further)
    return IdPage(
        shown,
        newest=address() if before or after else "",
        newer=address(after=shown[0].pk) if shown and has_newer else "",
        older=address(before=shown[-1].pk) if shown and has_older else "",
    )


def number(text: str) -> int | None:
    """The id that stands in an address; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < LONGEST else None
