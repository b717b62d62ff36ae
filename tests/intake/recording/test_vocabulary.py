"""Which strings stand in standings by name: the catalogue's, and 200 others of a provider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from scopes.catalogue import default
from scopes.facts import ScopesChanged
from scopes.intake.recording.vocabulary import MOST_UNKNOWN, Vocabulary
from scopes.models import Connection, Period, Provider, Source, Standing, UnknownScope
from tests.cast import CONSENTED, connection_of, consent, take_in

pytestmark = pytest.mark.django_db

LATER = CONSENTED + timedelta(days=1)


def odd(first: int, count: int) -> tuple[str, ...]:
    return tuple(f"odd-{number:03}" for number in range(first, first + count))


def test_a_string_that_no_entry_knows_is_kept_by_name_and_reported_once(cast: Source) -> None:
    first = take_in(consent("gus", "oura", ("email", "extapi:daily", "odd")))
    again = take_in(consent("hal", "oura", ("odd",)))

    assert (first.unknown_scopes, again.unknown_scopes) == (["odd"], [])
    assert connection_of("Gus").standing.reported == ["email", "extapi:daily", "odd"]
    assert not connection_of("Gus").standing.unlisted


def test_what_a_provider_s_rules_make_one_scope_is_kept_as_one(cast: Source) -> None:
    oura = Provider.objects.get(slug="oura")
    entry = replace(default().provider("oura"), prefixes=("https://api.example/",), ignores_case=True)
    vocabulary = Vocabulary({oura.pk: entry}, LATER)

    read = vocabulary.read(
        oura.pk, ("https://api.example/DAILY", "extapi:daily", "Email", "ODD", "https://api.example/odd")
    )

    assert read.kept == frozenset({"daily", "extapi:daily", "email", "odd"})
    assert vocabulary.new == [(oura.pk, "odd")]


def test_beyond_the_bound_a_string_is_kept_on_the_period_and_leaves_one_mark(cast: Source) -> None:
    take_in(*(consent(f"crowd-{number}", "oura", ("email", *odd(number * 50, 50))) for number in range(4)))
    before = Standing.objects.count()

    take_in(*(consent(f"late-{number}", "oura", ("email", *odd(200 + number, 1))) for number in range(30)))

    assert UnknownScope.objects.filter(provider__slug="oura").count() == MOST_UNKNOWN
    late = Connection.objects.filter(user_id__startswith="late").select_related("standing")
    assert {(tuple(row.standing.reported or ()), row.standing.unlisted) for row in late} == {(("email",), True)}
    assert Standing.objects.count() == before + 1
    kept = Period.objects.filter(connection__in=late).values_list("unlisted", flat=True)
    assert sorted(name for names in kept for name in names or ()) == list(odd(200, 30))


def test_a_difference_makes_no_standing_of_its_own_for_each_person_either(cast: Source) -> None:
    take_in(consent("first", "oura", odd(0, MOST_UNKNOWN)))
    names = [f"crowd-{number}" for number in range(30)]
    take_in(*(consent(name, "oura", ("email",)) for name in names))
    before = Standing.objects.count()

    take_in(*(ScopesChanged("oura", f"{name}-oura", LATER, added=(f"of-{name}",)) for name in names))

    assert Standing.objects.count() == before + 1
    changed = Period.objects.get(connection__user_id="crowd-7-oura", until__isnull=True)
    assert (changed.standing.reported, changed.unlisted) == (["email"], ["of-crowd-7"])


def test_the_bound_is_each_providers_own(cast: Source) -> None:
    take_in(consent("gus", "oura", odd(0, MOST_UNKNOWN + 1)))
    take_in(consent("gus", "whoop", odd(0, 3)))

    assert connection_of("Gus").standing.unlisted
    assert connection_of("Gus", "whoop").standing.reported == list(odd(0, 3))
