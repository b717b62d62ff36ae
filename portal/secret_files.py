"""Takes secrets from files, as Docker and systemd give them: SECRET_KEY_FILE names the file of SECRET_KEY."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from pathlib import Path

ENDING = "_FILE"
LONGEST = 64 * 1024
SECRETS = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "EMAIL_URL",
    "SCOPES_TOKEN_KEYS",
    "OIDC_CLIENT_SECRET",
    "PORTAL_METRICS_TOKEN",
)
ANYMAIL = "ANYMAIL_"


def fill_in(variables: MutableMapping[str, str], is_secret_of_a_source: Callable[[str], bool]) -> list[str]:
    """Put what the files hold, without white space around it, in the place of their names; what is wrong, a line each.

    No line repeats what a file holds.
    """
    trouble = []
    for file, path in [(name, path) for name, path in variables.items() if name.endswith(ENDING) and path]:
        name = file.removesuffix(ENDING)
        if not (name in SECRETS or name.startswith(ANYMAIL) or is_secret_of_a_source(name)):
            continue
        del variables[file]
        if variables.get(name):
            trouble.append(f"{name} and {file} are both set. Remove one of them.")
            continue
        try:
            with Path(path).open(encoding="utf-8") as opened:
                secret = opened.read(LONGEST).strip()
        except (OSError, ValueError) as problem:
            trouble.append(f"{file} names a file that cannot be read ({type(problem).__name__}).")
            continue
        if not secret or "\0" in secret:
            trouble.append(f"{file} names a file that is empty, or is no text.")
            continue
        variables[name] = secret
    return trouble
