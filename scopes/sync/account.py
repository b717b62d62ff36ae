"""Whether a source refuses our account: noted when a call fails, and cleared when what was refused works again."""

from __future__ import annotations

from datetime import datetime

from scopes.facts import AccountTrouble
from scopes.models import Source
from scopes.redaction import without_addresses
from scopes.sources.errors import AccountRefused, SourceError, SourceUnavailable
from scopes.sources.gateway import Gateway


def note(key: str, error: SourceError, now: datetime) -> None:
    """Note trouble with our account at the source `key`, if the error is about that; a repeat keeps the first time."""
    if not isinstance(error, AccountRefused):
        return
    detail = without_addresses(str(error))
    source = Source.objects.filter(key=key)
    if not source.filter(trouble=error.trouble, trouble_detail=detail).exists():
        source.filter(trouble=error.trouble).update(trouble_detail=detail)
        source.exclude(trouble=error.trouble).update(trouble=error.trouble, trouble_since=now, trouble_detail=detail)


def works(key: str, *, links: bool) -> None:
    """Clear the trouble: that of a refused credential, and any other where a link could be created (`links`)."""
    troubled = Source.objects.filter(key=key).exclude(trouble="")
    if not links:
        troubled = troubled.filter(trouble=AccountTrouble.CREDENTIAL)
    troubled.update(trouble="", trouble_since=None, trouble_detail="")


def refused() -> dict[str, str]:
    """The sources that refuse our account, and why. Test and staging count only where there is no production."""
    rows = list(Source.objects.values_list("key", "trouble", "production"))
    any_production = any(production for _, _, production in rows)
    return {key: trouble for key, trouble, production in rows if trouble and (production or not any_production)}


def review(gateway: Gateway, now: datetime) -> None:
    """Ask whether the account of a source that was refused is accepted again."""
    if not Source.objects.filter(key=gateway.key).exclude(trouble="").exists():
        return
    try:
        made = gateway.try_consent(now)
    except SourceUnavailable:
        return
    except SourceError as error:
        note(gateway.key, error, now)
    else:
        if made:
            works(gateway.key, links=True)
