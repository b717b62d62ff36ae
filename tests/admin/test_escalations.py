"""What only an engineer can fix comes with a text to paste, however many connections are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from scopes.judge import census
from scopes.models import Source
from tests import cast as people
from tests.admin.acts import page_of, waived
from tests.admin.reading import queries


def test_what_an_engineer_must_fix_has_a_text_to_paste_on_both_pages(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    people.policy_for("oura", {**people.OURA_POLICY, "requested": ["email", "daily", "workout"]})
    census.take(people.NOW)
    browser, ben = signed_in("agent"), people.the("Ben")

    for address in (page_of("Ben"), reverse("admin:send_link", args=[ben.pk, cast.pk, "oura"])):
        page = browser.get(address).content.decode()
        (text,) = re.findall(r"<textarea readonly[^>]*>(.*?)</textarea>", page, re.DOTALL)
        assert "Terra&#x27;s dashboard, environment prod" in text
        assert "heartrate (Heart rate), required for Recovery" in text
        assert "Affected: 1 connection of this integration (counted 20 Nov 2026, 06:00 UTC)" in text
        assert "Missing on this connection since 1 Mar 2026" in text
        assert "ben" not in text.lower(), "nobody is named"


def test_a_card_with_waivers_and_texts_costs_no_more_for_many_connections(
    cast: Source, signed_in: Callable[[str], Client]
) -> None:
    waived()
    few = queries(signed_in("agent"), page_of("Ben"))
    people.take_in(*(people.consent("ben", slug, ("daily",)) for slug in ("whoop", "withings", "polar", "strava")))
    assert queries(signed_in("agent"), page_of("Ben")) == few
