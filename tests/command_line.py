"""Our commands as a shell runs them: processes of their own, on the database of this test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from django.db import connection

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def variables(**more: str) -> dict[str, str]:
    """The environment of such a process: this test's database, and no Terra but that in `more`."""
    settings = connection.settings_dict
    who = f"{quote(settings['USER'], safe='')}:{quote(settings['PASSWORD'], safe='')}"
    where = f"{settings['PORT'] or 5432}/{settings['NAME']}?host={quote(settings['HOST'], safe='')}&hostaddr="
    own = {name: value for name, value in os.environ.items() if not name.startswith("TERRA_")}
    return {
        **own,
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_MODE": "test",
        "DATABASE_URL": f"postgresql://{who}@:{where}",
        **more,
    }


def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these words, run to its end; `more` are variables of its environment."""
    return subprocess.run(
        [sys.executable, MANAGE, *words],
        env=variables(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
