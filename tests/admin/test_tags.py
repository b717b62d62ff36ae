"""What the desk's templates write: dates, lengths of time, words, and never markup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scopes.facts import ScopesChanged
from scopes.models import Provider, Source
from tests import cast as people


@pytest.mark.parametrize("page", ["provider", "integration"])
def test_a_provider_is_called_retired_from_its_day_on(
    page: str, cast: Source, signed_in: Callable[[str], Client]
) -> None:
    oura = Provider.objects.filter(slug="oura")
    for days, told in ((0, "Retired</span> since"), (1, "Retires</span> on")):
        oura.update(retired_on=timezone.now().date() + timedelta(days=days))
        assert told in signed_in("engineer").get(reverse(f"admin:scopes_{page}_changelist")).text


def test_what_a_source_or_the_host_says_is_never_markup(cast: Source, signed_in: Callable[[str], Client]) -> None:
    evil = "<script>alert(1)</script>"
    ben = people.the("Ben")
    ben.name = evil
    ben.save(update_fields=["name"])
    people.take_in(ScopesChanged("oura", "ben-oura", people.NOW, added=(f"`{evil}`",)))
    page = signed_in("agent").get(reverse("admin:person", args=[ben.pk])).content.decode()
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 2
