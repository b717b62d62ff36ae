"""Find the encoding of a text file from the whole file, before any row is read.

UTF-8, and UTF-16 and UTF-32 with a byte order mark, are certain. Any other file is read as Windows-1252 only if its
letters are the same in every Windows encoding of the Latin alphabet. Otherwise names would silently change.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from functools import partial
from pathlib import Path

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16: it begins with UTF-16's mark
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NOT_TEXT = {
    b"PK\x03\x04": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
}
WINDOWS = "cp1252"
LATIN_OF_WINDOWS = (WINDOWS, "cp1250", "cp1254", "cp1257")
PIECE = 1 << 20
WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
CERTAIN = frozenset(
    byte
    for byte in range(0xC0, 0x100)
    if len(letters := {bytes([byte]).decode(name, "replace") for name in LATIN_OF_WINDOWS}) == 1
    and letters.pop().isalpha()
)


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the message says what is wrong with it."""


def encoding_of(path: Path) -> str:
    """The name of the codec that reads the whole file. Raises UnreadableFile, and OSError."""
    with path.open("rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnreadableFile(f"{path} is no file. What comes through a pipe must be written to one first.")
        start = file.read(4)
    if found := next((name for mark, name in NOT_TEXT.items() if start.startswith(mark)), None):
        raise UnreadableFile(f"{path.name} is {found}, not text: save it as CSV UTF-8.")
    encoding = next((name for mark, name in BOMS.items() if start.startswith(mark)), "") or _by_zeros(start) or "utf-8"
    broken = _first_broken_line(path, encoding)
    if broken is None:
        return encoding
    line, damaged = broken
    name = codecs.lookup(encoding).name.upper().removesuffix("-SIG")
    if encoding != "utf-8" or damaged:
        raise UnreadableFile(f"{path.name} is {name}, and line {line} of it is damaged: some bytes are no letter.")
    if _is_certain_windows(path):
        return WINDOWS
    raise UnreadableFile(
        f"{path.name} is not UTF-8 text, from line {line}: it looks like Windows-1252 or another encoding of Windows,"
        " but not which one. Save it as UTF-8 (in Excel: “CSV UTF-8”)."
    )


def _by_zeros(start: bytes) -> str:
    """UTF-16 without a byte order mark, recognised by the zeros between the ASCII letters at the start."""
    zeros = [byte == 0 for byte in start]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else ""


def _first_broken_line(path: Path, encoding: str) -> tuple[int, bool] | None:
    """The first line that cannot be decoded, and whether valid non-ASCII letters stand before it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line, beyond_ascii = 1, False
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "replace")
                return line + before.count("\n"), beyond_ascii or not before.isascii()
            if not piece:
                return None
            line += text.count("\n")
            beyond_ascii = beyond_ascii or not text.isascii()


def _is_certain_windows(path: Path) -> bool:
    """Whether every non-ASCII letter is certain, in a word that also has ASCII letters.

    A word of non-ASCII letters only belongs to another alphabet.
    """
    with path.open("rb") as file:
        for piece in iter(partial(file.readline, PIECE), b""):
            for word in WORD.findall(piece):
                beyond = [byte for byte in word if byte >= 0x80]
                if beyond and (len(beyond) == len(word) or not CERTAIN.issuperset(beyond)):
                    return False
    return True
