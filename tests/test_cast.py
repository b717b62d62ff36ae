"""The cast is as described: every other test relies on it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from scopes.models import Person, RequestBudget, Source, Verdict
from tests.cast import NOW, assemble, connection_of, the
from tests.copied_rows import CopiedRows


@pytest.mark.django_db
def test_who_is_copied_is_as_who_was_recorded() -> None:
    copied = CopiedRows(assemble)
    with transaction.atomic():
        copied.put()
        recorded = everything()
        transaction.set_rollback(True)
    assert not any(everything().values())

    copied.put()

    assert everything() == recorded
    assert Person.objects.create(reference_id="ref-gus", created_at=NOW).pk not in {pk for pk, *_ in recorded["Person"]}
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(reference_id="ref-ada", created_at=NOW)


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of our tables, but for the budgets, which are committed outside the transaction of a test."""
    models = [model for model in apps.get_app_config("scopes").get_models() if model is not RequestBudget]
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in models}


@pytest.mark.parametrize(
    ("name", "provider", "health", "helps", "link_reason", "missing"),
    [
        ("Ada", "oura", "ok", "not_needed", "", []),
        ("Ben", "oura", "blocked", "yes", "", ["heartrate=declined"]),
        ("Cy", "oura", "broken", "yes", "revoked", []),
        ("Dee", "apple_health", "unknown", "no", "phone_permission", []),
        ("Eve", "fitbit", "broken", "no", "provider_retired", []),
        ("Finn", "oura", "ok", "not_needed", "", []),
        ("Finn", "withings", "unknown", "not_needed", "", []),
    ],
)
def test_each_of_the_cast_has_the_described_verdict(
    cast: Source, name: str, provider: str, health: str, helps: str, link_reason: str, missing: list[str]
) -> None:
    connection = connection_of(name, provider)

    verdict = Verdict.objects.get(standing=connection.standing, policy_version=connection.integration.policy_version)

    assert connection.person == the(name)
    assert (verdict.health, verdict.helps, verdict.link_reason, verdict.missing) == (
        health,
        helps,
        link_reason,
        missing,
    )
