"""A catalogue makes a language."""

from __future__ import annotations

from pathlib import Path

from portal.languages import languages


def test_a_language_is_there_where_its_compiled_catalogue_is(tmp_path: Path) -> None:
    for locale, name in (("pt_BR", "django.mo"), ("qtz", "django.mo"), ("fr", "django.po")):
        folder = tmp_path / locale / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / name).touch()

    assert languages([tmp_path]) == [("en", "English"), ("pt-br", "Brazilian Portuguese"), ("qtz", "qtz")]
    assert languages([tmp_path / "nowhere"]) == [("en", "English")]
