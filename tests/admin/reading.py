"""A page of the desk as it is read, and how many queries it costs."""

from __future__ import annotations

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scopes import access_log
from scopes.models import TrailEntry


def words_of(page: str) -> str:
    """The page as it is read."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)).replace(" .", ".").replace(" ,", ",")


def queries(browser: Client, address: str) -> int:
    browser.get(address)  # whatever is asked once a process or once a minute
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    return len(asked)


def written() -> set[int]:
    """The people whom the access log names."""
    entries = TrailEntry.objects.filter(verb__in=access_log.VERBS)
    return {pk for entry in entries for pk in [entry.person_id, *entry.detail.get("people", [])] if pk}
