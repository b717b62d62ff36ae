"""The page docs/reasons.md, rendered from the registry: `.venv/bin/python -m tests.reasons_page > docs/reasons.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from scopes.reasons import LINK_REASONS, REMEDIES, SCOPE_REASONS, Reason

HEAD = """\
# Reasons, remedies, healths

Why a scope is missing or a connection does not work, and what fixes it.

The words are in `scopes/reasons.py`; `.venv/bin/python -m tests.reasons_page` writes this page.

## Healths

| health | means |
|---|---|
| `ok` | all needed permissions are granted |
| `unknown` | the source reports no scopes, so we can’t tell what is missing; the connection itself works |
| `reduced` | a recommended scope is missing, or a required one that the person declined and that is waived |
| `blocked` | a required scope is missing |
| `broken` | no access at all |
"""

RENAMED = """\
While we do not request the successor of a `renamed` scope, its remedy is `change_request`; while it is not approved,
`change_console`.
"""
ON_DEVICE = """\
Where the permissions are set on the phone, `phone_settings` takes the place of `reauthenticate`.
"""


def rendered() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## Why a scope is missing\n",
            "The first that applies is shown, in this order.\n",
            *_reasons(SCOPE_REASONS.values()),
            RENAMED,
            "## What is wrong with the link itself\n",
            *_reasons(LINK_REASONS.values()),
            ON_DEVICE,
            "## Remedies\n",
            "| remedy | who | what to do |",
            "|---|---|---|",
            *(f"| `{remedy.code}` | {remedy.who} | {remedy.action} |" for remedy in REMEDIES.values()),
            "",
        ]
    )


def _reasons(reasons: Iterable[Reason]) -> list[str]:
    rows = [
        f"| `{reason.code}` | {reason.title} | {reason.meaning} | {reason.suffers}"
        f" | {_helps(reason)} | `{reason.remedy}` |"
        for reason in reasons
    ]
    head = [
        "| reason | title | means | the person notices | link helps | remedy |",
        "|---|---|---|---|---|---|",
    ]
    return [*head, *rows, ""]


def _helps(reason: Reason) -> str:
    if reason.remedy == "verify":
        return "check first"
    return "yes" if REMEDIES[reason.remedy].by_reauth else "no"


if __name__ == "__main__":
    sys.stdout.write(rendered())
