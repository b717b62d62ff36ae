"""The system's Chromium, if there is one, and how it is started."""

from __future__ import annotations

import shutil

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# It may run as root, and connects to nothing but us.
OFF = ("gpu", "quic", "background-networking", "component-update", "sync")
ARGUMENTS = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in OFF)]
