"""A module's tests stand at its place under tests/: test_<module>.py, or test_<module>_<subject>.py beside it.

A command's stand in tests/management/, by its name.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COVERED = (
    "admin", "audit", "catalogue", "channels", "diagnose", "intake", "judge", "management", "models", "outbox",
    "reauth", "rights", "sources", "sync", "views",
)  # fmt: skip

# Tests of what several modules do together: whole walks, what must hold on every screen, for every command or table,
# whatever the input or the order of the facts; and of data and documents that the package ships.
OF_SEVERAL = {
    "admin/test_errors.py",
    "admin/test_look.py",
    "admin/test_queries.py",
    "admin/test_roles.py",
    "catalogue/test_adding_a_provider.py",
    "catalogue/test_providers.py",
    "catalogue/test_shipped_oauth.py",
    "diagnose/test_any_input.py",
    "diagnose/test_document.py",
    "diagnose/test_samples.py",
    "intake/recording/test_order.py",
    "management/test_commands.py",
    "management/test_exit_codes.py",
    "models/test_constraints.py",
    "reauth/campaigns/test_migration.py",
    "sources/host/test_circle.py",
    "sources/test_a_third_source.py",
    "sources/test_only_terra_knows_terra.py",
    "sync/test_lives.py",
}
# Tested with what uses or reads them: tables without a constraint, and values that a file is read into.
TESTED_BY_THEIR_USE = {
    "catalogue/oauth.py": "catalogue/test_oauth_block.py",
    "models/erased.py": "rights/test_erased_ids.py",
    "models/sign_in.py": "admin/test_sign_in.py",
}
# Tested through authorization servers, several modules at a time.
TOGETHER = "sources/oauth2/"
# Values that go between modules: nothing in them runs.
VALUES = {"sources/consents.py", "sources/events.py", "sources/observations.py"}
# Django's wiring: without it nothing at all works.
WIRING = {"apps.py", "urls.py"}


def modules(package: str) -> set[str]:
    found = (ROOT / "scopes" / package).rglob("*.py")
    names = {str(path.relative_to(ROOT / "scopes")) for path in found if path.name != "__init__.py"}
    return {name for name in names - VALUES if not name.startswith(TOGETHER)}


def written(package: str) -> set[str]:
    names = {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests" / package).rglob("test_*.py")}
    return {name for name in names if not name.startswith(TOGETHER)}


def expected(module: str) -> str:
    if module in TESTED_BY_THEIR_USE:
        return TESTED_BY_THEIR_USE[module]
    path = Path(module.replace("management/commands/", "management/"))
    return str(path.with_name(f"test_{path.name}"))


def is_of(test: str, module: str) -> bool:
    exact = expected(module).removesuffix(".py")
    return test == f"{exact}.py" or test.startswith(f"{exact}_")


@pytest.mark.parametrize("package", COVERED)
def test_every_module_has_its_test_beside_it(package: str) -> None:
    assert modules(package), "the package exists"
    wanted = {expected(module) for module in modules(package)}
    assert {test for test in wanted if not (ROOT / "tests" / test).exists()} == set()


def test_every_module_on_top_has_its_test() -> None:
    top = {path.name for path in (ROOT / "scopes").glob("*.py")} - {"__init__.py"}
    tests = {path.name for path in (ROOT / "tests").glob("test_*.py")}
    assert {expected(module) for module in top - WIRING} - tests == set()


@pytest.mark.parametrize("package", COVERED)
def test_every_test_is_of_a_module_that_exists(package: str) -> None:
    without_module = {test for test in written(package) if not any(is_of(test, module) for module in modules(package))}

    assert without_module - OF_SEVERAL == set()


def test_the_tests_of_several_modules_exist_and_are_named_for_none() -> None:
    for test in OF_SEVERAL:
        assert (ROOT / "tests" / test).exists()
        assert not any(is_of(test, module) for module in modules(test.partition("/")[0]))


@pytest.mark.parametrize("module", VALUES)
def test_nothing_runs_in_a_module_of_values(module: str) -> None:
    tree = ast.parse((ROOT / "scopes" / module).read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    statements = [statement for function in functions for statement in function.body]
    assert all(
        isinstance(one, ast.Expr) or (isinstance(one, ast.Return) and isinstance(one.value, ast.Name))
        for one in statements
    )


def test_what_is_tested_by_its_use_exists() -> None:
    for module, test in TESTED_BY_THEIR_USE.items():
        assert (ROOT / "scopes" / module).exists() and (ROOT / "tests" / test).exists()
