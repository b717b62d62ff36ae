"""The pages are correct: their links have targets, and what they name exists."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
import yaml
from django.core.management import get_commands

import portal
from portal.environment_checks import KNOWN
from portal.secret_files import SECRETS
from scopes.audit.report import CODES
from scopes.catalogue import default
from scopes.judge import policy_file
from scopes.sources.host import environment as host
from scopes.sources.oauth2 import clients
from scopes.sources.terra.environments import ENDINGS
from tests.reasons_page import rendered

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / ".github").rglob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = [path for folder in ("portal", "scopes") for path in (ROOT / folder).rglob("*.py")]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
NAMES = {str(page.relative_to(ROOT)): page for page in PAGES}
# gunicorn reads the one, cron the other, and no line of ours.
NOT_OURS = {"FORWARDED_ALLOW_IPS", "CRON_TZ"}
# Django's own, and those that make passes to the demo.
INTERNAL = {"DJANGO_SETTINGS_MODULE", "SERVE", "DEMO_AGENTS"}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_has_a_target(name: str) -> None:
    page = NAMES[name]
    targets = [urlsplit(target) for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))]

    assert [to.path for to in targets if not to.scheme and not (page.parent / to.path).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", NAMES[name].read_text("utf-8")))

    assert named - get_commands().keys() - {"runserver"} == set()


def test_every_variable_that_is_named_is_read() -> None:
    code = "\n".join(path.read_text("utf-8") for path in CODE)
    named = {word for name in ("README.md", "docs/operations.md") for word in variables(NAMES[name].read_text("utf-8"))}

    assert {"SECRET_KEY", "PORTAL_MODE", "TERRA_ENVIRONMENTS"} <= named
    assert {word for word in named - NOT_OURS if not is_read(word, code)} == set()


def test_every_variable_that_is_read_is_in_the_tables_and_every_one_there_is_read() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    settings = text.partition("## Settings")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in settings.splitlines() if line.startswith("| `")]
    named = {word for cell in rows for word in re.findall("`([A-Z0-9_]+)`", cell)}
    terra = {f"TERRA_PRODUCTION_{ending}" for ending in ENDINGS}
    oauth2 = {clients.CLIENTS, clients.ASK_EVERY, *(clients.variable("google", ending) for ending in clients.ENDINGS)}
    applications = {host.SOURCES, *(host.variable("app", ending) for ending in host.ENDINGS)}

    assert {"PROXIES", "DEBUG", "WEBHOOK_STALE_SECONDS"} <= read()
    assert read() == set(KNOWN)
    assert named - NOT_OURS == {*KNOWN, "TERRA_ENVIRONMENTS", "SCOPES_TOKEN_KEYS"} | terra | oauth2 | applications


def test_the_newest_release_of_the_changelog_is_the_version() -> None:
    released = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", NAMES["CHANGELOG.md"].read_text("utf-8"), re.MULTILINE
    )

    assert released[0] == portal.__version__


def test_every_import_contract_is_described() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = [contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]]
    described = re.findall(r"^\| `([a-z0-9-]+)` \|", NAMES["CONTRIBUTING.md"].read_text("utf-8"), re.MULTILINE)

    assert described == contracts


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/adding-a-provider.md"])
def test_every_file_that_is_named_exists(name: str) -> None:
    files = re.findall(r"(?<=`)(?:portal|scopes|tests|templates|docs)/[\w/.-]+(?=`)", NAMES[name].read_text("utf-8"))

    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_every_issue_form_can_be_read(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))

    if path.name != "config.yml":
        assert form["name"] and form["description"]
        ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
        assert ids and len(set(ids)) == len(ids)


def test_every_finding_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert [code for code in CODES if f"`{code}`" not in page] == []


def test_the_page_of_reasons_is_that_of_the_registry() -> None:
    assert (ROOT / "docs" / "reasons.md").read_text("utf-8") == rendered(), (
        "render it anew: .venv/bin/python -m tests.reasons_page > docs/reasons.md"
    )


def test_the_example_of_a_policy_can_be_published(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "policies.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "policies.yaml"
    file.write_text(example, "utf-8")

    (proposed,) = policy_file.read(file, default())
    assert [need["feature"] for need in proposed.content["requirements"]] == ["recovery", "training"]


def test_the_picture_can_be_read_and_is_described() -> None:
    picture = ET.parse(ROOT / "docs" / "circle.svg").getroot()

    assert picture.get("role") == "img"
    assert (picture.get("aria-labelledby") or "").split() == ["title", "description"]


def variables(text: str) -> Iterator[str]:
    """The environment variables that a page names: in capitals, in code."""
    for code in re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL):
        yield from re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b(?=[`=,\s])", code)


def read() -> set[str]:
    """The variables that the code takes out of the process environment, but for those that stand in ENDINGS."""
    found: set[str] = set()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case (
                    ast.Call(func=ast.Attribute(value=place) | (ast.Name(id="_number") as place), args=[key, *_])
                    | ast.Subscript(value=place, slice=key)
                ) if isinstance(key, ast.Constant) and ast.unparse(place) in ("os.environ", "env", "_number"):
                    found.add(str(key.value))
    return {name for name in found - INTERNAL if not name.startswith(("TERRA_", "OAUTH2_", "HOST_"))}


def is_read(name: str, code: str) -> bool:
    name = name.removesuffix("_FILE") if name.removesuffix("_FILE") in SECRETS else name
    ending = re.sub(r"^(?:TERRA|OAUTH2|HOST)_[A-Z]+_", "", name)
    return f'"{name}"' in code or f'"{ending}"' in code
