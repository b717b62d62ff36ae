"""A module's tests stand at its place under tests/: test_<module>.py, or test_<module>_<subject>.py beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COVERED = ("intake", "judge", "reauth", "sync", "views")

# Tests of what several modules do together: whole walks, and what must hold whatever the order of the facts.
OF_SEVERAL = {
    "intake/recording/test_order.py",
    "sync/test_lives.py",
}


def modules(package: str) -> set[str]:
    found = (ROOT / "scopes" / package).rglob("*.py")
    return {str(path.relative_to(ROOT / "scopes")) for path in found if path.name != "__init__.py"}


def written(package: str) -> set[str]:
    return {str(path.relative_to(ROOT / "tests")) for path in (ROOT / "tests" / package).rglob("test_*.py")}


def expected(module: str) -> str:
    path = Path(module)
    return str(path.with_name(f"test_{path.name}"))


def is_of(test: str, module: str) -> bool:
    exact = expected(module).removesuffix(".py")
    return test == f"{exact}.py" or test.startswith(f"{exact}_")


@pytest.mark.parametrize("package", COVERED)
def test_every_module_has_its_test_beside_it(package: str) -> None:
    assert modules(package), "the package exists"
    assert {expected(module) for module in modules(package)} - written(package) == set()


@pytest.mark.parametrize("package", COVERED)
def test_every_test_is_of_a_module_that_exists(package: str) -> None:
    without_module = {test for test in written(package) if not any(is_of(test, module) for module in modules(package))}

    assert without_module - OF_SEVERAL == set()


def test_the_tests_of_several_modules_exist_and_are_named_for_none() -> None:
    for test in OF_SEVERAL:
        assert (ROOT / "tests" / test).exists()
        assert not any(is_of(test, module) for module in modules(test.partition("/")[0]))
