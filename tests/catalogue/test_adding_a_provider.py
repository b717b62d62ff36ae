"""docs/adding-a-provider.md, tried against the code: its example loads, and its tables name every key."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from scopes.catalogue import Known, Provider, Scope, load, oauth_block, provider_file
from scopes.catalogue import oauth as entries
from tests.catalogue.files import retired
from tests.fresh_clone import cloned

DOCUMENT = Path(__file__).parents[2] / "docs" / "adding-a-provider.md"
# A provider's file, and the block that it may end with.
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def stride(tmp_path: Path) -> Provider:
    """The provider of the document's example file, with the example of a block at its end."""
    (tmp_path / "stride.yaml").write_text("".join(EXAMPLES), "utf-8")
    return load(tmp_path).provider("stride")


def test_the_example_is_a_provider_file_and_holds_what_the_text_says(stride: Provider) -> None:
    assert stride.reports_scopes is Known.YES
    assert stride.held(frozenset({"runs.all"})) == {"runs.all", "runs.public"}
    for spelling in ("runs", "https://api.stride.example/auth/runs.public"):
        assert stride.canonical(spelling) == "runs.public"
    assert stride.by_name["pulse"].successor == "heart_rate"
    assert not stride.by_name["heart_rate"].confirmed
    assert stride.oauth
    assert (stride.oauth.consents, stride.oauth.refresh.rotates) == (entries.Consents.REPLACE, entries.Rotates.YES)


def test_the_tables_name_every_key_and_whether_it_must_be_there() -> None:
    rows = re.findall(r"^\| (`.+?) \| (yes|no) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    keys = [(key, must) for keys, must in rows for key in re.findall(r"`(\w+)`", keys)]
    needed = [*provider_file.NEEDS, *provider_file.SCOPE_NEEDS, *oauth_block.NEEDS]
    optional = [*provider_file.MAY, *provider_file.SCOPE_MAY, *oauth_block.MAY]
    assert sorted(key for key, must in keys if must == "yes") == sorted(needed)
    assert sorted(key for key, must in keys if must == "no") == sorted(optional)


def test_the_table_of_each_smaller_entry_names_its_keys_and_places() -> None:
    first_cells = re.findall(
        r"^\| `(\w+)` \| ", DOCUMENT.read_text("utf-8").partition("An `account` is")[2], re.MULTILINE
    )
    assert first_cells == [
        "at",
        *entries.AccountFrom,
        "at",
        *entries.ReportedAt,
        *(field.name for field in fields(entries.Revocation)),
        *(field.name for field in fields(entries.Refresh)),
    ]


def test_every_field_of_an_entry_can_be_written_in_a_file() -> None:
    in_one = {"retired_on", "successor", "retirement_sources"}
    assert {field.name for field in fields(Provider)} - in_one | {"retired"} == provider_file.NEEDS | provider_file.MAY
    assert {field.name for field in fields(Scope)} == provider_file.SCOPE_NEEDS | provider_file.SCOPE_MAY


def test_the_steps_of_the_document_lead_to_a_provider_whatever_it_is() -> None:
    text, example = DOCUMENT.read_text("utf-8"), "".join(EXAMPLES)
    (place,) = re.findall(r"^1\. Copy the example below to `(.+?)`", text, re.MULTILINE)
    (command,) = re.findall(r"^3\. Run `(.+?)`", text, re.MULTILINE)
    others = {
        "stride_on_a_phone": {"reports_scopes: yes": "reports_scopes: no", "on_device: false": "on_device: true"},
        "stride_of_old": {"on_device: false": "on_device: false\n" + retired("oura").strip()},
    }
    files = {place.replace("<slug>", "stride"): example}
    for slug, changes in others.items():
        file = example.replace("stride\n", f"{slug}\n", 1).replace("[STRIDE, STRIDE_EU]", f"[{slug.upper()}]")
        file = file.replace("spellings: {terra: {STRIDEEU: STRIDE_EU}}\n", "")
        for old, new in changes.items():
            assert old in file
            file = file.replace(old, new)
        files[place.replace("<slug>", slug)] = file

    with cloned(files) as clone:
        ended = clone.run("sh", "-c", command, PYTEST_ADDOPTS="-v -k 'not steps_of_the_document'")

    assert ended.returncode == 0, ended.stdout
    assert all(f"[{slug}] PASSED" in ended.stdout for slug in ("stride", *others))
