"""Sources, providers, integrations and policy versions: what the database refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import F

from scopes.models import Integration, PolicyVersion, Provider, Scope, Source, UnknownScope
from tests.cast import NOW, OURA_POLICY, integration_of, policy_for
from tests.models.rows import LATER, again, is_written_once, refuses, twice, version

pytestmark = pytest.mark.django_db

REFUSED: dict[str, Callable[[], object]] = {
    "source_once": lambda: twice(Source.objects.create, kind="terra", name="other"),
    "source_kind_and_name_are_slugs": lambda: Source.objects.create(kind="Terra", name="Prod"),
    "provider_succeeds_another": lambda: Provider.objects.update(successor=F("pk")),
    "scope_once_per_provider": lambda: twice(
        Scope.objects.create, provider=integration_of("oura").provider, name="daily", label="Daily"
    ),
    "unknown_scope_once_per_provider": lambda: twice(
        UnknownScope.objects.create, provider=integration_of("oura").provider, name="odd", first_seen_at=NOW
    ),
    "integration_once_per_source": lambda: again(Integration.objects.first()),
    "policy_number_once_per_integration": lambda: twice(version),
    "policy_number_from_one": lambda: version(number=0),
    "only_a_published_policy_is_in_force": lambda: version(in_force_from=NOW),
    "policy_has_an_author": lambda: version(author=""),
    "source_trouble_since_a_time": lambda: Source.objects.create(kind="terra", name="other", trouble="keys"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_the_database_refuses_what_cannot_be(cast: Source, name: str) -> None:
    refuses(name, REFUSED[name])


CHANGED: dict[str, Callable[[], object]] = {
    "content of a published policy": lambda: PolicyVersion.objects.exclude(published_at=None).update(content={}),
    "date of a published policy": lambda: PolicyVersion.objects.exclude(published_at=None).update(in_force_from=NOW),
    "content of a draft": lambda: (version(), PolicyVersion.objects.filter(published_at=None).update(content={"a": 1})),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_is_written_once_stays_as_it_was_written(cast: Source, what: str) -> None:
    is_written_once(CHANGED[what])


def test_a_draft_may_be_published(cast: Source) -> None:
    assert policy_for("oura", OURA_POLICY, now=LATER).published_at == LATER
