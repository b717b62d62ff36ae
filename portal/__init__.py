"""How it is run: settings, database, logs, demo. What it does is in `scopes`."""

__version__ = "0.1.0"
