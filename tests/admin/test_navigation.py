"""Navigation shows an agent the screens that they may open."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client

from scopes.models import Source


def test_navigation_shows_what_may_be_opened_and_nothing_else(
    everything: Source, signed_in: Callable[[str], Client]
) -> None:
    page = signed_in("engineer").get("/admin/").content.decode()
    navigation = page[page.index('class="side"') : page.index("<main")]
    shown = set(re.findall(r"</svg>([\w ]+)</a>", navigation))
    assert shown >= {"Home", "Deliveries", "Audits", "Integrations", "Catalogue"}
    assert not shown & {"People", "Connections", "Links", "Trail", "Access log", "Agents"}
    assert "data-search" not in page
