from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import MappingProxyType

import pytest

from scopes.catalogue import Catalogue, default
from scopes.catalogue.entries import Provider as Entry
from scopes.intake.recording import catalogue
from scopes.models import Integration, Provider, Scope, Standing, UnknownScope, Verdict
from tests import cast

pytestmark = pytest.mark.django_db


def changed(slug: str, **changes: object) -> Catalogue:
    """The shipped catalogue, with one entry changed."""
    entry: Entry = replace(default().provider(slug), **changes)  # type: ignore[arg-type]
    return Catalogue(MappingProxyType({**default().providers, slug: entry}))


def test_loading_twice_changes_nothing_the_second_time() -> None:
    first = catalogue.load(default(), cast.NOW)
    again = catalogue.load(default(), cast.NOW)

    assert "+ oura: Oura, 12 scopes" not in again.changes
    assert f"+ oura: Oura, {len(default().provider('oura').scopes)} scopes" in first.changes
    assert (again.changes, again.judged_anew) == ([], [])
    assert Provider.objects.count() == len(default().providers)
    assert Scope.objects.get(provider__slug="oura", name="email").mandatory
    assert Provider.objects.get(slug="fitbit").successor == Provider.objects.get(slug="google_health")


def test_a_changed_entry_is_reported_and_a_vanished_one_is_kept_and_marked() -> None:
    catalogue.load(default(), cast.NOW)
    oura = default().provider("oura")
    pulse = (("en", "Pulse"),)
    scopes = tuple(replace(scope, labels=pulse) if scope.name == "heartrate" else scope for scope in oura.scopes[:-1])
    without_polar = {
        slug: entry
        for slug, entry in changed("oura", scopes=scopes, name="Oura Ring").providers.items()
        if slug != "polar"
    }

    loaded = catalogue.load(Catalogue(MappingProxyType(without_polar)), cast.NOW)

    assert loaded.changes == [
        "~ oura: name",
        "~ oura: scope heartrate",
        f"- oura: scope {oura.scopes[-1].name}",
        "- polar: no longer in the catalogue; its records stay",
    ]
    assert not Provider.objects.get(slug="polar").in_catalogue


def test_a_retirement_is_judged_at_once_and_keys_no_standing_anew() -> None:
    catalogue.load(default(), cast.NOW)
    cast.assemble()
    before = set(Standing.objects.values_list("digest", flat=True))

    loaded = catalogue.load(changed("oura", retired_on=date(2026, 11, 1), successor="google_health"), cast.NOW)

    assert loaded.judged_anew == ["Oura through terra:prod, policy 3"]
    integration = Integration.objects.get(provider__slug="oura")
    verdicts = Verdict.objects.filter(policy_version=integration.policy_version)
    assert set(verdicts.values_list("link_reason", flat=True)) == {"provider_retired"}
    assert verdicts.count() == Standing.objects.filter(integration=integration).count()
    assert set(Standing.objects.values_list("digest", flat=True)) == before


def test_a_scope_that_the_catalogue_has_learned_is_unknown_no_longer() -> None:
    catalogue.load(default(), cast.NOW)
    cast.take_in(cast.consent("ada", "oura", (*cast.EVERYTHING, "dreams")))
    assert UnknownScope.objects.get().name == "dreams"

    dreams = replace(default().provider("oura").scopes[0], name="dreams", aliases=(), implies=(), successor="")
    catalogue.load(changed("oura", scopes=(*default().provider("oura").scopes, dreams)), cast.NOW)

    assert not UnknownScope.objects.exists()
