"""The sources that a command is given, as people write them: KIND:NAME."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence

from django.core.management.base import CommandError

from scopes.catalogue import Provider
from scopes.sources import registry
from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import Gateway
from scopes.sources.registry import SetUp
from scopes.sync import rate_limit

SOURCE_HELP = "a source that is set up, written KIND:NAME"


def limit_of_calls(text: str) -> rate_limit.Calls:
    """The most calls that are to be made. Raises ArgumentTypeError."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a number from 1")
    return rate_limit.Calls(int(text))


def gateways(
    keys: Sequence[str], ability: str, providers: Sequence[Provider] = (), calls: rate_limit.Calls | None = None
) -> list[Gateway]:
    """The gateways of the chosen sources, within their rate limits and `calls`. Raises CommandError.

    With `providers`, of the sources at which one of them can be connected.
    """
    return [
        rate_limit.gateway_of(one, calls=calls)
        for one in chosen(keys, ability)
        if not providers or any(registry.names_for(one.kind, one.name, provider) for provider in providers)
    ]


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
