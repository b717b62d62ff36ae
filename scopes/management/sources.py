"""The sources that a command is given, as people write them: KIND:NAME."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import CommandError

from scopes.sources import registry
from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import Gateway
from scopes.sources.registry import SetUp
from scopes.sync import rate_limit

SOURCE_HELP = "a source that is set up, written KIND:NAME"


def gateways(keys: Sequence[str], ability: str) -> list[Gateway]:
    """The gateways of the chosen sources, within their rate limits. Raises CommandError."""
    return [rate_limit.gateway_of(one) for one in chosen(keys, ability)]


def chosen(keys: Sequence[str], ability: str) -> list[SetUp]:
    """The sources of these keys, or all that are set up, of those that have the ability. Raises CommandError."""
    try:
        found = registry.set_up()
        able = [key for key, one in found.items() if one.kind in registry.able(ability)]
        for key in keys:
            if key not in able:
                if key in found and (reports := registry.reports_of(found[key].kind)):
                    raise CommandError(f"There is nothing to ask {key}. {reports}")
                listed = ", ".join(able) or "none"
                raise CommandError(f"There is no source {key!r} for this; there are: {listed}.")
    except NotConfigured as problem:
        raise CommandError(str(problem)) from None
    return [found[key] for key in dict.fromkeys(keys or able)]
