"""The catalogues in locale/ are complete and fresh, and are made without the gettext program."""

from __future__ import annotations

import gettext
import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from portal import messages

MARKED = messages.collected()
LOCALES = messages.locales()


def key(message: Message) -> tuple[object, str | None]:
    return message.id, message.context


def texts(value: object) -> list[str]:
    return list(value) if isinstance(value, (list, tuple)) else [str(value or "")]


def real_messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def read(locale: str) -> Catalog:
    return messages.read(po(locale), locale)


def po(locale: str) -> Path:
    return messages.LOCALE / locale / "LC_MESSAGES" / "django.po"


def test_there_are_sentences_to_translate_and_a_german_catalogue() -> None:
    assert len(MARKED) > 50 and "de" in LOCALES


@pytest.mark.parametrize("locale", LOCALES)
def test_every_marked_sentence_is_in_the_catalogue_and_no_other(locale: str) -> None:
    catalogue = read(locale)
    assert {key(message) for message in real_messages(catalogue)} == {
        key(message) for message in real_messages(MARKED)
    }, "run make messages"
    assert not catalogue.obsolete


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_translated_and_none_is_a_guess(locale: str) -> None:
    catalogue = read(locale)
    assert [message.id for message in real_messages(catalogue) if not all(map(str.strip, texts(message.string)))] == []
    assert [message.id for message in real_messages(catalogue) if message.fuzzy] == []
    forms = {len(texts(message.string)) for message in real_messages(catalogue) if message.pluralizable}
    assert forms == {catalogue.num_plurals}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_translation_uses_the_placeholders_of_its_sentence(locale: str) -> None:
    for message in real_messages(read(locale)):
        named = placeholders(texts(message.id)[-1])
        assert all(placeholders(text) == named for text in (*texts(message.id), *texts(message.string))), message.id


def placeholders(text: str) -> set[str]:
    """The names in %(name)s; anything else after a % is an error."""
    text % dict.fromkeys(found := re.findall(r"%\((\w+)\)s", text), "")
    assert text.replace("%%", "").count("%") == len(found), text
    return set(found)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_catalogue_matches_its_source(locale: str) -> None:
    assert po(locale).with_suffix(".mo").read_bytes() == messages.compiled(po(locale), locale), "run make messages"


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalogue_that_is_up_to_date_is_not_rewritten(locale: str, tmp_path: Path) -> None:
    copy = tmp_path / locale / "LC_MESSAGES" / "django.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(po(locale).read_bytes())

    assert messages.update(locale, MARKED, tmp_path).read_bytes() == po(locale).read_bytes()


def test_marks_are_found_in_python_and_in_templates_and_those_of_the_desk_separately(tmp_path: Path) -> None:
    (tmp_path / "admin").mkdir()
    (tmp_path / "admin" / "desk.py").write_text('gettext("for agents")')
    (tmp_path / "admin" / "page.html").write_text("{% load i18n %}{% translate 'on their screen' %}")
    (tmp_path / "page.py").write_text(
        'from gettext import gettext as _\n_("by name")\nngettext("a box", "boxes", 2)\npgettext("a month", "May")'
    )
    (tmp_path / "page.html").write_text(
        "{% load i18n %}<p>it's\n    {% translate 'in a tag' %}</p>\n  {# a comment #}\n"
        "{% blocktranslate count n=n %}one {{ x }}{% plural %}{{ n }} of {{ x }}{% endblocktranslate %}"
    )

    assert {key(message) for message in real_messages(messages.collected(tmp_path))} == {
        ("by name", None),
        (("a box", "boxes"), None),
        ("May", "a month"),
        ("in a tag", None),
        (("one %(x)s", "%(n)s of %(x)s"), None),
    }
    assert {message.id for message in real_messages(messages.collected(tmp_path, desk=True))} == {
        "for agents", "on their screen",
    }  # fmt: skip


def test_a_new_language_begins_with_every_sentence_untranslated_and_keeps_later_translations(tmp_path: Path) -> None:
    template = Catalog()
    template.add("Hello")
    template.add(("a box", "boxes"))
    begun = messages.update("pl", template, tmp_path)
    assert messages.locales(tmp_path) == ["pl"]
    assert [texts(message.string) for message in real_messages(messages.read(begun, "pl"))] == [[""], ["", "", ""]]

    begun.write_text(begun.read_text("utf-8").replace('"Hello"\nmsgstr ""', '"Hello"\nmsgstr "Cześć"'), "utf-8")
    template.add("Goodbye")
    messages.update("pl", template, tmp_path)

    with begun.with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(BytesIO(file.read()))
    assert spoken.gettext("Hello") == "Cześć" and spoken.gettext("Goodbye") == "Goodbye"
    assert 'msgid "Goodbye"' in begun.read_text("utf-8")
