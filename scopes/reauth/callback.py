"""Finish a consent in the callback, where the redirect is the fact itself.

The exchange works once. So the attempt is claimed and committed first, the exchange happens outside any transaction,
and its result is stored in one. A second callback finds the attempt claimed. One that was cut off in between is
uncertain: the attempt says so after a minute. Nothing of it is repeated; the person can press the link again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from scopes.catalogue.entries import Provider as Entry
from scopes.models import Attempt, Source
from scopes.reauth import settle
from scopes.sources.consents import ConsentReturn
from scopes.sources.errors import SourceError, SourceUnavailable

UNCERTAIN, NOT_FINISHED = "uncertain", "not_finished"
CUT_OFF = "The consent returned, but we were stopped before we knew its result."
FINISHED_WITHIN = timedelta(minutes=1)
# What of the address may be kept. All else may be a secret, such as the code.
KEPT = ("error", "error_description")


@transaction.atomic(durable=True)
def claim(attempt: Attempt, now: datetime) -> bool:
    """Whether this caller is the one that finishes the attempt; committed. Nobody can claim it a second time."""
    open_ones = Attempt.objects.filter(pk=attempt.pk, state=Attempt.State.OPEN, claimed_at__isnull=True)
    return bool(open_ones.update(claimed_at=now, verifier=""))


def returned_from(
    attempt: Attempt, callback_url: str, parameters: Mapping[str, Sequence[str]], now: datetime
) -> ConsentReturn:
    """What the source needs to finish this attempt."""
    assert attempt.provider is not None
    return ConsentReturn(
        attempt=attempt.key,
        user_id=attempt.user_id,
        session_id=attempt.session_id,
        requested=None if attempt.requested is None else tuple(attempt.requested),
        verifier=attempt.verifier,
        connected_as=attempt.connection.user_id if attempt.connection else "",
        provider=Entry.from_data(attempt.provider.entry),
        reference_id=attempt.reference_id,
        callback_url=callback_url,
        parameters=parameters,
        at=now,
    )


def without_secrets(parameters: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """What of the parameters may be kept."""
    return {name: parameters[name] for name in KEPT if name in parameters}


def failed(attempt: Attempt, error: SourceError, now: datetime) -> None:
    """The exchange failed; where the source did not answer, it is uncertain whether the code was used."""
    result = UNCERTAIN if isinstance(error, SourceUnavailable) else NOT_FINISHED
    settle.fail(attempt, result, str(error), now)


def end_cut_off(source: Source, now: datetime) -> int:
    """End the attempts whose callback was cut off; how many."""
    claimed = Attempt.objects.filter(source=source, state=Attempt.State.OPEN, claimed_at__lt=now - FINISHED_WITHIN)
    cut_off = list(claimed.filter(link__isnull=False).select_related("source").order_by("pk"))
    for attempt in cut_off:
        settle.fail(attempt, UNCERTAIN, CUT_OFF, now)
    return len(cut_off)


def is_cut_off(attempt: Attempt, now: datetime) -> bool:
    """Whether the attempt was claimed and not finished in time: its callback was cut off."""
    claimed = attempt.claimed_at
    return attempt.state == Attempt.State.OPEN and claimed is not None and claimed < now - FINISHED_WITHIN
