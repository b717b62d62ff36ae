"""What the desk's templates write: dates, lengths of time, words, and never markup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from scopes.admin import tags
from scopes.facts import ScopesChanged
from scopes.models import Provider, Source
from tests import cast as people


@pytest.mark.parametrize("page", ["provider", "integration"])
def test_a_provider_is_called_retired_from_its_day_on(
    page: str, cast: Source, signed_in: Callable[[str], Client]
) -> None:
    oura = Provider.objects.filter(slug="oura")
    for days, words in ((0, "Retired</span> since"), (1, "Retires</span> on")):
        oura.update(retired_on=timezone.now().date() + timedelta(days=days))
        assert words in signed_in("engineer").get(reverse(f"admin:scopes_{page}_changelist")).text


def test_what_a_source_or_the_host_says_is_never_markup(cast: Source, signed_in: Callable[[str], Client]) -> None:
    evil = "<script>alert(1)</script>"
    ben = people.the("Ben")
    ben.name = evil
    ben.save(update_fields=["name"])
    people.take_in(ScopesChanged("oura", "ben-oura", people.NOW, added=(f"`{evil}`",)))
    page = signed_in("agent").get(reverse("admin:person", args=[ben.pk])).content.decode()
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 2


NOW = people.NOW


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scopes.admin.tags.timezone.now", lambda: NOW)


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW - timedelta(seconds=30), "just now"),
        (NOW - timedelta(minutes=2), "2\xa0minutes ago"),
        (NOW - timedelta(days=21), "3\xa0weeks ago"),
        (NOW + timedelta(days=7), "in 1\xa0week"),
        (NOW.date(), "today"),
        (NOW.date() + timedelta(days=1), "tomorrow"),
        (NOW.date() - timedelta(days=1), "yesterday"),
        (NOW.date() - timedelta(days=14), "2\xa0weeks ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(at: datetime | date, said: str) -> None:
    assert tags.ago(at) == said


@pytest.mark.usefixtures("today")
def test_how_long_something_has_been_so_has_its_date() -> None:
    assert strip_tags(tags.for_time(NOW - timedelta(days=2), at_least=True)) == (
        "for at least 2\xa0days, since 18 Nov 2026"
    )
    assert strip_tags(tags.for_time(NOW)) == "just now, since 20 Nov 2026"


@pytest.mark.usefixtures("today")
def test_a_time_is_how_long_ago_and_its_date_with_the_utc_in_the_tooltip() -> None:
    at = NOW.astimezone(timezone.get_fixed_timezone(-480)) - timedelta(days=21)
    shown = tags.when(at)
    assert strip_tags(shown) == "3\xa0weeks ago, 30 Oct 2026, 06:00 UTC"
    assert 'title="2026-10-30 06:00:00 UTC"' in shown and 'data-local="minute"' in shown
    assert strip_tags(tags.dated(at)) == "30 Oct 2026, 06:00 UTC (3\xa0weeks ago)"
    assert strip_tags(tags.when(at.date())) == "3\xa0weeks ago, 29 Oct 2026"
    assert strip_tags(tags.dated(NOW.date() + timedelta(days=3))) == "23 Nov 2026 (in 3\xa0days)"
    assert (tags.when(None), tags.dated(None, "never")) == ("—", "never")


@pytest.mark.parametrize(("length", "said"), [(1, "1 hour"), (47, "47 hours"), (48, "2 days"), (100, "4 days")])
def test_a_length_of_time_is_said_in_one_unit(length: int, said: str) -> None:
    assert tags.span(timedelta(hours=length)) == said


def test_a_label_stands_in_a_sentence_unless_it_is_an_abbreviation() -> None:
    assert (tags.in_sentence("Heart rate"), tags.in_sentence("VO2 max"), tags.in_sentence("")) == (
        "heart rate", "VO2 max", "",
    )  # fmt: skip


def test_words_in_a_row_and_a_need_that_is_missing() -> None:
    assert [tags.listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert tags.missing("spo2=declined") == "<code>spo2</code> left unticked"
    assert tags.missing("spo2=of_an_older_version") == "<code>spo2</code> of_an_older_version"
