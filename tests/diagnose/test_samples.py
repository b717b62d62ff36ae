"""How many real error texts are read rightly. `pytest -rP` shows each miss."""

from __future__ import annotations

import sys

import pytest

from tests.diagnose.samples import FILES_OF_SAMPLES, Sample, families, line, said, samples


def misses(found: list[Sample], *, names: bool) -> list[str]:
    wrong = []
    for sample in found:
        diagnosis = said(line(sample))
        if names and set(diagnosis.scopes) != set(sample["scopes_named"]):
            wrong.append(f"{sample['id']} {sample['provider']}: {diagnosis.scopes}, not {sample['scopes_named']}")
        if not names and diagnosis.verdict not in sample["verdict_any_of"]:
            wrong.append(f"{sample['id']} {sample['provider']}: {diagnosis.verdict}, not {sample['verdict_any_of']}")
    sys.stdout.write("".join(f"{miss}\n" for miss in wrong))
    return wrong


PUBLIC = ("samples.json", "second.json")
# What is known to be read wrongly: (file, family) -> (verdicts, names).
KNOWN_MISSES = {("kinds.json", "requires the scope X"): (1, 1), ("kinds.json", "granted and missing"): (0, 1)}
EVERY_FAMILY = [(file, family) for file in (*PUBLIC, "kinds.json") for family in sorted(families(file))]


@pytest.mark.parametrize(("file", "family"), EVERY_FAMILY)
def test_every_family_is_read_rightly(file: str, family: str) -> None:
    verdicts, names = KNOWN_MISSES.get((file, family), (0, 0))
    assert len(misses(families(file)[family], names=False)) == verdicts
    assert len(misses(families(file)[family], names=True)) == names


def test_97_of_100_verdicts_and_98_of_100_lists_of_both_public_sets_are_right() -> None:
    public = [sample for file in PUBLIC for sample in samples(file)]
    assert len(misses(public, names=False)) <= 0.03 * len(public)
    assert len(misses(public, names=True)) <= 0.02 * len(public)


def test_of_our_own_texts_99_of_100_verdicts_and_lists_are_right() -> None:
    assert len(misses(samples("more.json"), names=False)) <= 0.01 * len(samples("more.json"))
    assert len(misses(samples("more.json"), names=True)) <= 0.01 * len(samples("more.json"))


@pytest.mark.parametrize("file", FILES_OF_SAMPLES)
def test_no_scope_is_named_that_the_text_does_not_name(file: str) -> None:
    for sample in samples(file):
        assert set(said(line(sample)).scopes) <= set(sample["scopes_named"]), sample["id"]


def test_each_sample_names_its_source_and_has_an_id_of_its_own() -> None:
    everything = [sample for file in FILES_OF_SAMPLES for sample in samples(file)]
    assert all(sample["source"] for sample in everything)
    assert len({sample["id"] for sample in everything}) == len(everything)


@pytest.mark.parametrize("file", ["more.json", "kinds.json"])
def test_half_of_our_own_samples_or_more_were_held_back(file: str) -> None:
    quarantined = [sample for sample in samples(file) if sample["held_back"]]
    assert len(samples(file)) >= 40
    assert 2 * len(quarantined) >= len(samples(file))
