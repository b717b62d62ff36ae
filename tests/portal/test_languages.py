"""A language exists where its compiled catalogue does."""

from __future__ import annotations

from pathlib import Path

from portal.languages import languages


def test_a_language_exists_where_its_compiled_catalogue_does(tmp_path: Path) -> None:
    for locale, name in (("pt_BR", "django.mo"), ("qtz", "django.mo"), ("fr", "django.po")):
        folder = tmp_path / locale / "LC_MESSAGES"
        folder.mkdir(parents=True)
        (folder / name).touch()

    assert languages([tmp_path]) == [("en", "English"), ("pt-br", "Brazilian Portuguese"), ("qtz", "qtz")]
    assert languages([tmp_path / "nowhere"]) == [("en", "English")]
