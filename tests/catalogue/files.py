"""A provider file, and directories of such files."""

from __future__ import annotations

from pathlib import Path

HEAD = """\
slug: stride
name: Stride
known_as: {terra: [STRIDE]}
reports_scopes: yes
can_untick: no
console_approval: unknown
sources: {https://stride.example/docs: 2026-11-20}
"""


FILE = (
    HEAD
    + """\
scopes:
  - name: sleep
    labels:
      {en: Sleep, de: Schlaf}
  - name: activity
    labels:
      {en: Activity, de: Aktivität}
    aliases: [act]
"""
)


def written(directory: Path, **files: str) -> Path:
    for slug, text in files.items():
        (directory / f"{slug}.yaml").write_text(text, "utf-8")
    return directory


def retired(successor: str, on: str = "2026-10-30") -> str:
    return f"retired: {{on: {on}, successor: {successor}, sources: {{https://old.example: 2026-11-20}}}}\n"


def named(slug: str, more: str = "") -> str:
    return HEAD.replace("stride", slug).replace("STRIDE", slug.upper()) + more + "scopes: []\n"
