"""The conditions of `--fail-on`, as a command line gives them."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Sequence

from django.core.management.base import CommandError

from scopes.audit.conditions import Condition, NotACondition, parse
from scopes.catalogue import default
from scopes.models import Source
from scopes.sources import registry

WRONG = 2


def condition(text: str) -> Condition:
    """The condition that is written so. Raises ArgumentTypeError."""
    try:
        return parse(text)
    except NotACondition as problem:
        raise ArgumentTypeError(str(problem)) from None


def check_places(conditions: Sequence[Condition]) -> None:
    """Raises CommandError where a place is no provider and no source: what is counted nowhere is never found."""
    places = {one.place for one in conditions} - {"", *default().providers, *default().named, *registry.set_up()}
    recorded = set(Source.objects.filter(key__in=places).values_list("key", flat=True)) if places else set()
    if unknown := places - recorded:
        raise CommandError(f"There is no provider and no source {', '.join(sorted(unknown))}.", returncode=WRONG)
