"""End at the providers what we hold tokens of, before its person is erased here."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from scopes.models import Connection, Token
from scopes.redaction import without_addresses
from scopes.rights.personal_data import personal_data_of
from scopes.sources.errors import NotConfigured, SourceError, Unsupported
from scopes.sync import rate_limit

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Revoked:
    """How many connections ended at their providers, and a sentence for each that did not."""

    number: int
    failed: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words; none where we held no tokens."""
        ended = (f"Ended at the provider: {self.number}.",) if self.number else ()
        return (*ended, *self.failed)


def revoke_tokens(reference_id: str) -> Revoked:
    """Revoke the tokens of a person's connections, as far as the providers can and answer; outside any transaction.

    What is revoked has no tokens here any more. What is not keeps them, until they are erased.
    """
    connections = personal_data_of(reference_id).connections
    held = set(Token.objects.filter(connection__in=connections, ended_at__isnull=True).values_list("pk", flat=True))
    number, failed = 0, []
    for row in connections:
        if row.pk in held:
            problem = _revoke(row)
            number += not problem
            failed += [problem] if problem else []
    return Revoked(number, tuple(failed))


def _revoke(row: Connection) -> str:
    """Empty where it ended; else a sentence that says why not."""
    about = f"{row.integration.provider.name} ({row.integration.source}) was not ended at the provider"
    try:
        if rate_limit.gateway_of(row.integration.source).revoke(row.user_id):
            return ""
    except (SourceError, NotConfigured) as error:
        log.warning("a connection was not revoked: %s", type(error).__name__)
        return f"{about}: {without_addresses(str(error))}."
    except Unsupported:
        return f"{about}: its source cannot do that."
    return f"{about}: it holds no connection of that id."
