"""What is explained of one connection of the cast."""

from __future__ import annotations

from scopes.judge import person
from scopes.judge.explain import Explanation
from tests import cast as people

WITHOUT_HEART = tuple(scope for scope in people.EVERYTHING if scope != "heartrate")


def explained(name: str, provider: str = "oura") -> Explanation:
    (entry,) = [entry for entry in person.overview_of(people.the(name)).connections if entry.provider.slug == provider]
    return entry.explanation
