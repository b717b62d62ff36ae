"""The protocol of a source: what a kind does not do says so, and is looked up by its key."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from scopes.facts import AccountTrouble
from scopes.sources.errors import Unsupported
from scopes.sources.gateway import Abilities, Gateway, Kind, key_of


class Nothing(Gateway):
    """A gateway that can do nothing."""


class NoKind(Kind):
    """A kind that can do nothing."""

    kind = title = prefix = silence = "none"
    abilities, actions = Abilities(), dict.fromkeys(AccountTrouble, "")


# What every kind has an answer for, though it does nothing of its own.
ANSWERED = {
    "keep_consent",
    "ranges",
    "troubles",
    "addresses",
    "names_of",
    "knows_event",
    "ids_without_provider",
    "title_of",
}


@pytest.mark.parametrize("protocol", [Nothing, NoKind])
def test_a_call_that_a_source_cannot_do_is_unsupported(protocol: type) -> None:
    tried = set()
    for name, call in inspect.getmembers(protocol, inspect.isfunction):
        if name.startswith("_") or name in ANSWERED:
            continue
        given = [None] * (len(inspect.signature(call).parameters) - 1)
        with pytest.raises(Unsupported):
            getattr(protocol(), name)(*given)
        tried.add(name)
    assert tried >= ({"connections", "finish_consent", "revoke"} if protocol is Nothing else {"gateway", "facts"})


def test_a_kind_without_variables_has_no_trouble_with_them() -> None:
    troubles: Iterator[str] = NoKind().troubles({"ANY": "thing"})
    assert (list(troubles), list(NoKind().addresses({}))) == ([], [])


def test_a_key_is_written_kind_and_name() -> None:
    assert key_of("terra", "production") == "terra:production"
