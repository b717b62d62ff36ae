"""Message catalogues without the gettext program: `make messages`, or `python -m portal.messages [LANGUAGE …]`.

Collects what Python and templates mark for translation, brings each `locale/*/LC_MESSAGES/django.po` up to date (and
begins those of the languages that are named), and compiles it to the `.mo` next to it. Marks are Django's own. What is
in a folder named `admin`, `registration`, `account` or `mfa` is read at the desk: it is collected apart, and no
catalogue asks for it, for the desk is English only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.core import UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation import to_language, to_locale
from django.utils.translation.template import templatize

from portal.embedded_postgres import CHECKOUT

LOCALE = CHECKOUT / "locale"
DESK = {"admin", "registration", "account", "mfa"}
SKIPPED = {"tests", "benchmarks", "static", "staticfiles", "var"}
MARKS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
ABOUT = """\
# What people read who were sent a link. %(host)s is the application that they use, %(provider)s whom they connect.
# Translate here, then run `make messages`. See docs/adding-a-language.md.
#"""


class MessageCatalogue(Catalog):
    """A catalogue with no dates and no versions in its header, so that it changes with its messages only."""

    def __init__(self, locale: str, plural_forms: str = "") -> None:
        try:
            super().__init__(locale, header_comment=ABOUT, fuzzy=False)
        except UnknownLocaleError:
            super().__init__(header_comment=ABOUT, fuzzy=False)
        self._language, self._given_plural_forms = to_language(locale), plural_forms

    @property  # type: ignore[misc]
    def mime_headers(self) -> list[tuple[str, str]]:
        """What gettext needs to know."""
        return [
            ("Language", self._language),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", self._given_plural_forms or self.plural_forms),
        ]


def collected(folder: Path = CHECKOUT, *, desk: bool = False) -> Catalog:
    """Every message that is marked in the Python and the templates of `folder`: what people read, or the `desk`."""
    template = Catalog()
    found = extract_from_dir(
        folder,
        method_map=[("**.py", "portal.messages:extract_module"), ("**.html", "portal.messages:extract_template")],
        keywords=MARKS,
        comment_tags=("Translators",),
        directory_filter=lambda path: Path(path).name not in SKIPPED and not Path(path).name.startswith((".", "_")),
    )
    for file, _, message, comments, context in found:
        if bool(DESK & set(Path(file).parts)) is desk:
            template.add(message, auto_comments=comments, context=context)
    return template


def extract_module(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterable[Any]:
    """The messages of a Python module, for Babel. Most modules mark none, and are not read word by word."""
    source = file.read()
    return extract_python(BytesIO(source), keywords, comment_tags, options) if b"gettext" in source else ()


def extract_template(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterable[Any]:
    """The messages of a Django template, for Babel. Within brackets, Python does not mind how lines are indented."""
    source = f"({templatize(file.read().decode())}\n)"
    return extract_python(BytesIO(source.encode()), keywords, comment_tags, options)


def read(path: Path, locale: str) -> Catalog:
    """The catalogue in a `.po` file."""
    with path.open("rb") as file:
        return read_po(file, locale=locale if MessageCatalogue(locale).locale else None)


def compiled(po: Path, locale: str) -> bytes:
    """What belongs into the `.mo` file next to `po`."""
    out = BytesIO()
    write_mo(out, _plain(read(po, locale), locale))
    return out.getvalue()


def update(locale: str, template: Catalog, folder: Path = LOCALE) -> Path:
    """Bring the language's `.po` up to the messages of `template`, and compile it; the `.po`."""
    po = folder / locale / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True, exist_ok=True)
    catalogue = read(po, locale) if po.exists() else MessageCatalogue(locale)
    catalogue.update(template, no_fuzzy_matching=True)
    out = BytesIO()
    write_po(out, _plain(catalogue, locale), width=120, ignore_obsolete=True, sort_output=True, no_location=True)
    po.write_bytes(out.getvalue())
    po.with_suffix(".mo").write_bytes(compiled(po, locale))
    return po


def locales(folder: Path = LOCALE) -> list[str]:
    """The languages that `folder` has a catalogue for, as gettext writes them: `pt_BR`."""
    return sorted(path.parent.parent.name for path in folder.glob("*/LC_MESSAGES/django.po"))


def _plain(catalogue: Catalog, locale: str) -> MessageCatalogue:
    given = "" if isinstance(catalogue, MessageCatalogue) else catalogue.plural_forms
    plain = MessageCatalogue(locale, given)
    for message in catalogue:
        if message.id:
            plain[message.id] = message
    return plain


def main(languages: Iterable[str]) -> None:
    """Update every catalogue, and begin those of `languages`."""
    template = collected()
    for locale in sorted({*locales(), *map(to_locale, languages)}):
        po = update(locale, template)
        waiting = [message for message in read(po, locale) if message.id and not _is_translated(message.string)]
        print(f"{po.relative_to(CHECKOUT)}: {len(template)} messages, {len(waiting)} to translate", file=sys.stderr)
    print(f"The desk: {len(collected(desk=True))} messages, English only", file=sys.stderr)


def _is_translated(string: object) -> bool:
    return all(string) if isinstance(string, (list, tuple)) else bool(string)


if __name__ == "__main__":
    main(sys.argv[1:])
