from __future__ import annotations

import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from scopes.catalogue.loading import SHIPPED
from scopes.models import Provider, Scope
from tests import cast as people

pytestmark = pytest.mark.django_db


def load(*words: str) -> list[str]:
    out = StringIO()
    call_command("load_catalogue", *words, stdout=out)
    return out.getvalue().splitlines()


def test_loading_reports_what_is_new_and_then_that_nothing_is() -> None:
    first = load()

    assert "+ oura: Oura, 11 scopes" in first
    assert len(first) == Provider.objects.count()
    assert load() == ["The catalogue is unchanged."]
    Scope.objects.get(provider__slug="oura", name="heartrate").delete()
    assert load() == ["+ oura: scope heartrate"]


@pytest.mark.usefixtures("cast")
def test_a_changed_file_is_reported_and_its_verdicts_are_recomputed(tmp_path: Path) -> None:
    load()
    files = tmp_path / "providers"
    shutil.copytree(SHIPPED, files)
    oura = files / "oura.yaml"
    oura.write_text(oura.read_text("utf-8").replace("on_device: false", "").strip() + "\non_device: true\n", "utf-8")

    assert load("--directory", str(files)) == ["~ oura: on_device", "re-evaluated: Oura through terra:prod, policy 3"]
    assert people.connection_of("ada").integration.policy_version is not None


def test_a_broken_file_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "stride.yaml").write_text("slug: stride\nname: Stride\nname: Strider\n")

    with pytest.raises(CommandError, match=r"The catalogue was not loaded\. stride\.yaml, line 3: the key name"):
        load("--directory", str(tmp_path))

    assert not Provider.objects.exists()
