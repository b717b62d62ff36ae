"""Whether a source refuses our account: noted where we meet it, and gone when something works that it had refused."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from scopes.models import Source
from scopes.models.source import AccountTrouble
from scopes.sources.terra.client import Terra
from scopes.sources.terra.errors import (
    AccountRefused,
    CredentialRejected,
    TerraError,
    TerraRefused,
    TerraUnavailable,
    without_addresses,
)
from scopes.sources.terra.trial import try_a_link


def trouble_of(error: TerraError, *, links: bool = False) -> AccountTrouble | None:
    """What the error says of our account; None for one that is about something else. `links`: a link was asked for."""
    if isinstance(error, CredentialRejected):
        return AccountTrouble.CREDENTIAL
    if isinstance(error, AccountRefused):
        return AccountTrouble.USER_LIMIT if error.limit else AccountTrouble.PAYMENT
    if links and isinstance(error, TerraRefused) and error.status == HTTPStatus.FORBIDDEN:
        return AccountTrouble.FORBIDDEN
    return None


def note(key: str, error: TerraError, now: datetime, *, links: bool = False) -> None:
    """Note what the error says of the account of the source `key`, if anything; the same trouble goes on since then."""
    found = trouble_of(error, links=links)
    if found is None:
        return
    said = without_addresses(str(error))
    source = Source.objects.filter(key=key)
    if not source.filter(trouble=found, trouble_detail=said).exists():
        source.filter(trouble=found).update(trouble_detail=said)
        source.exclude(trouble=found).update(trouble=found, trouble_since=now, trouble_detail=said)


def works(key: str, *, links: bool) -> None:
    """Our credential was accepted, so that is no trouble any more; nor is anything else where a link was made."""
    troubled = Source.objects.filter(key=key).exclude(trouble="")
    if not links:
        troubled = troubled.filter(trouble=AccountTrouble.CREDENTIAL)
    troubled.update(trouble="", trouble_since=None, trouble_detail="")


def refused() -> dict[str, str]:
    """Source -> why it refuses our account. Test and staging count only where there is no production."""
    rows = list(Source.objects.values_list("key", "trouble", "production"))
    any_production = any(production for _, _, production in rows)
    return {key: trouble for key, trouble, production in rows if trouble and (production or not any_production)}


def review(terra: Terra, now: datetime) -> None:
    """Ask whether the account of a source that was refused is accepted again."""
    key = terra.environment.source
    if not Source.objects.filter(key=key).exclude(trouble="").exists():
        return
    try:
        made = try_a_link(terra, now)
    except TerraUnavailable:
        return
    except TerraError as error:
        note(key, error, now, links=True)
    else:
        if made:
            works(key, links=True)
