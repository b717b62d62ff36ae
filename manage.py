#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from portal.startup_errors import run_command

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    run_command(sys.argv)
