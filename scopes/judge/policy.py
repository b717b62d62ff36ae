"""Draft, publish, date and restore the policies of integrations.

Publishing stores the verdicts of the new version for the integration's standings (thousands), then makes it the
integration's `policy_version`. No connection is touched, and pages switch to the new verdicts all at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, OuterRef, Subquery

from scopes.catalogue.entries import Provider as Entry
from scopes.judge import content, verdicts
from scopes.judge.difference import requests_other
from scopes.judge.standing import facts_from
from scopes.models import Integration, PolicyVersion, Provider, Source, Standing, Verdict
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction, retry_after_deadlock

CATALOGUE = "catalogue"
CHUNK = 1000


def ensure_integration(source: Source, entry: Entry, now: datetime) -> Integration:
    """The integration of this source with this provider, created with an empty policy (version 1) if it is new."""
    provider, _ = Provider.objects.get_or_create(
        slug=entry.slug,
        defaults={
            "name": entry.name,
            "entry": entry.as_data(),
            "in_catalogue": False,
            "confirmed": entry.confirmed,
            "on_device": entry.on_device,
            "retired_on": entry.retired_on,
        },
    )
    integration, made = Integration.objects.get_or_create(source=source, provider=provider)
    if made or integration.policy_version_id is None:
        return _with_a_policy(integration.pk, now)
    return integration


@in_transaction
def _with_a_policy(pk: int, now: datetime) -> Integration:
    integration = Integration.objects.select_for_update(no_key=True).get(pk=pk)
    if integration.policy_version_id is None:
        first = draft(integration, content.empty(), author=CATALOGUE, note="First reported.", now=now)
        publish(first, now=now)
        integration.refresh_from_db()
    return integration


@in_transaction
def draft(
    integration: Integration, proposed: Mapping[str, Any], *, author: str, now: datetime, note: str = ""
) -> PolicyVersion:
    """Create a draft: a version that is not published. Its content never changes; a change is another draft.

    Raises PolicyError for invalid content.
    """
    entry = Entry.from_data(integration.provider.entry)
    full = content.with_catalogue(proposed, entry, now.date())
    Integration.objects.select_for_update(no_key=True).get(pk=integration.pk)
    last = PolicyVersion.objects.filter(integration=integration).aggregate(last=Max("number"))["last"] or 0
    return PolicyVersion.objects.create(
        integration=integration, number=last + 1, content=full, author=author, note=note, created_at=now
    )


def judge_all(version: PolicyVersion) -> int:
    """Store the verdicts of `version` that its integration's standings lack; how many were stored."""
    # A sub-select uses the index for each standing; an anti-join is planned by statistics without the new version.
    verdict = Subquery(Verdict.objects.filter(policy_version=version, standing=OuterRef("pk")).values("pk"))
    standings = Standing.objects.filter(integration=version.integration_id).alias(verdict=verdict)
    written = last = 0
    while True:
        lacking = list(standings.filter(verdict__isnull=True, pk__gt=last).order_by("pk")[:CHUNK])
        if not lacking:
            return written
        written += verdicts.write(version.pk, {row.pk: facts_from(row) for row in lacking})
        last = lacking[-1].pk


def publish(
    version: PolicyVersion,
    *,
    now: datetime,
    in_force_from: datetime | None = None,
    act: Act | None = None,
    instead_of: int | None = None,
) -> PolicyVersion:
    """Put `version` in force and return it. Raises PolicyError if it was published before.

    `in_force_from` is when the consent screen changed. It defaults to now if this version requests other scopes than
    the one before, else to None: the screen did not change. If it lies in the past, call `flow.publish`, which also
    moves the consents given since then. The trail names the author of the `act`, else the draft's. `instead_of` is the
    id of the version that the caller expects to be in force; PolicyError if it is another.
    """
    retry_after_deadlock(lambda: judge_all(version))  # so that little is left to write under the lock
    return _put_in_force(version, now, in_force_from, act, instead_of)


@in_transaction
def _put_in_force(
    version: PolicyVersion, now: datetime, in_force_from: datetime | None, act: Act | None, instead_of: int | None
) -> PolicyVersion:
    verdicts.queue_to_publish(version.integration_id)
    integration = Integration.objects.select_for_update(no_key=True).get(pk=version.integration_id)
    version = PolicyVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    if version.published_at is not None:
        raise content.PolicyError(f"{version} was published on {version.published_at:%-d %b %Y}: draft it anew.")
    before = integration.policy_version
    if instead_of is not None and integration.policy_version_id != instead_of:
        raise content.PolicyError(f"{before} came into force in the meantime. Review the changes again.")
    judge_all(version)
    version.published_at = now
    changed = requests_other(before.content if before else None, version.content)
    version.in_force_from = in_force_from or (now if changed else None)
    version.save(update_fields=["published_at", "in_force_from"])
    integration.policy_version = version
    integration.save(update_fields=["policy_version"])
    act = act or Act(None, version.note, by=version.author)
    act.entry(
        "policy.published",
        now,
        integration=integration,
        subject=str(version),
        detail={"version": version.number, "before": before.number if before else None},
    ).save()
    return version


def draft_to_restore(
    integration: Integration, to: PolicyVersion, *, author: str, now: datetime, note: str = ""
) -> PolicyVersion:
    """A draft with the content of the earlier version `to`, under today's catalogue. Publish it to restore it."""
    proposed = content.check(to.content)
    return draft(integration, proposed, author=author, now=now, note=note or f"Restores policy {to.number}.")


def draft_requesting(
    integration: Integration, requested: Sequence[str], *, author: str, now: datetime, note: str
) -> PolicyVersion:
    """A draft of the policy in force that requests exactly these scopes."""
    before = integration.policy_version.content if integration.policy_version else content.empty()
    proposed = content.check({**before, "requested": list(requested)})
    return draft(integration, proposed, author=author, now=now, note=note)


def outdated(now: datetime) -> list[Integration]:
    """Integrations whose policy in force was published with an older catalogue entry of its provider."""
    integrations = Integration.objects.select_related("provider", "policy_version", "source").order_by("pk")
    return [
        integration
        for integration in integrations.filter(policy_version__isnull=False)
        if integration.policy_version is not None
        and content.with_catalogue(
            integration.policy_version.content, Entry.from_data(integration.provider.entry), now.date()
        )
        != integration.policy_version.content
    ]


@dataclass(frozen=True, slots=True)
class ConsentScreens:
    """The consent screens of one integration: (in force from, policy version id) pairs, oldest first."""

    since: tuple[tuple[datetime, int], ...]

    def at(self, moment: datetime | None) -> int | None:
        """The id of the version that the screen requested at `moment`; None when unknown."""
        found = None
        for since, version in self.since:
            if moment is not None and since <= moment:
                found = version
        return found


def consent_screens(integration: int) -> ConsentScreens:
    """The consent screens of one integration."""
    return consent_screens_of([integration])[integration]


def consent_screens_of(integrations: Collection[int]) -> dict[int, ConsentScreens]:
    """Integration -> its consent screens, from its published versions; one query."""
    since: dict[int, list[tuple[datetime, int]]] = {integration: [] for integration in integrations}
    rows = (
        PolicyVersion.objects.filter(integration__in=integrations, in_force_from__isnull=False)
        .order_by("in_force_from", "number")
        .values_list("integration_id", "in_force_from", "pk")
    )
    for integration, in_force_from, pk in rows:
        if in_force_from is not None:
            since[integration].append((in_force_from, pk))
    return {integration: ConsentScreens(tuple(found)) for integration, found in since.items()}
