"""How many real error texts are read rightly. `pytest -rP` shows each miss."""

from __future__ import annotations

import sys

import pytest

from tests.diagnose.samples import Sample, line, said, samples


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


@pytest.mark.parametrize("file", ["samples.json", "more.json"])
def test_95_of_100_verdicts_are_right(file: str) -> None:
    assert len(misses(samples(file), names=False)) <= 0.05 * len(samples(file))


@pytest.mark.parametrize("file", ["samples.json", "more.json"])
def test_98_of_100_texts_have_exactly_their_scopes_named(file: str) -> None:
    assert len(misses(samples(file), names=True)) <= 0.02 * len(samples(file))


def test_each_sample_tells_its_source_and_has_an_id_of_its_own() -> None:
    everything = samples("samples.json") + samples("more.json")
    assert all(sample["source"] for sample in everything)
    assert len({sample["id"] for sample in everything}) == len(everything)


def test_more_than_half_of_our_own_samples_were_held_back() -> None:
    held_back = [sample for sample in samples("more.json") if sample["held_back"]]
    assert len(samples("more.json")) >= 40
    assert 2 * len(held_back) >= len(samples("more.json"))
