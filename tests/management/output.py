"""What a command writes."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command


def output_of(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()
