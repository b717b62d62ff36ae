"""Provider files: what is read, and what is refused with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from scopes.catalogue import CatalogueError, Known, default, load, unknown_provider
from tests.catalogue.files import FILE, named, retired, written


def test_two_files_cannot_claim_one_name_at_a_kind_of_source(tmp_path: Path) -> None:
    second = named("walk").replace("{terra: [WALK]}", "\n  terra:\n  - WALK\n  - stride")
    with pytest.raises(
        CatalogueError, match=r"^walk\.yaml, line 6: stride\.yaml already claims the name STRIDE at terra$"
    ):
        load(written(tmp_path, stride=FILE, walk=second))


def test_providers_cannot_succeed_each_other_in_a_circle(tmp_path: Path) -> None:
    files = {slug: named(slug, retired(to)) for slug, to in (("a", "b"), ("b", "c"), ("c", "b"))}
    with pytest.raises(CatalogueError, match=r"^b\.yaml, line 8: the successors lead back"):
        load(written(tmp_path, **files))


def test_a_successor_further_on_that_has_no_file_is_laid_at_its_own_door(tmp_path: Path) -> None:
    files = {"a": named("a", retired("b")), "b": named("b", retired("c"))}
    with pytest.raises(CatalogueError, match=r"^b\.yaml, line 8: the successor c has no file"):
        load(written(tmp_path, **files))


def test_a_directory_that_is_missing_or_a_file_that_would_be_passed_over_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="there is no such directory"):
        load(tmp_path / "nowhere")
    (tmp_path / "stride.yml").write_text(FILE, "utf-8")
    with pytest.raises(CatalogueError, match=r"^stride\.yml: the name of a provider file must end in \.yaml"):
        load(tmp_path)


def test_a_source_s_names_are_found_in_any_case(tmp_path: Path) -> None:
    catalogue = load(written(tmp_path, stride=FILE))
    assert catalogue.known_as("terra", "Stride") is catalogue.provider("stride")
    assert catalogue.known_as("terra", "WALK") is None


def test_an_unknown_slug_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="the catalogue has no provider 'walk'"):
        load(written(tmp_path, stride=FILE)).provider("walk")


def test_a_name_that_no_file_claims_becomes_an_unknown_provider() -> None:
    provider = unknown_provider(" MapMyFitness ")
    assert (provider.slug, provider.name, provider.names_at("any")) == (
        "mapmyfitness",
        "MapMyFitness",
        ("MAPMYFITNESS",),
    )
    assert not provider.confirmed
    assert provider.scopes == ()
    assert {provider.reports_scopes, provider.can_untick, provider.console_approval} == {Known.UNKNOWN}
    assert unknown_provider("Fit & Co.").slug == "fit_co"
    with pytest.raises(ValueError, match="at least one letter or digit"):
        unknown_provider(" ? ")


def test_the_shipped_catalogue_is_read_once() -> None:
    assert default() is default()
