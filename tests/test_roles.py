"""The roles of `scopes.roles`: as documented, as the migrations make them, as the screens ask for them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from scopes.admin.screens import desk
from scopes.migrations._roles import grant
from scopes.roles import ABILITIES, ROLES, permissions_of

make_roles = import_module("scopes.migrations.0003_roles").make_roles

PAGE = Path(__file__).parents[1] / "docs" / "sign-in-and-roles.md"
GIVEN = {name for role in ROLES for name in permissions_of(role)}


def test_the_documented_table_is_the_list() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    table = [["", *ROLES], ["---"] * (len(ROLES) + 1)]
    assert rows == [
        *table,
        *([ability.words, *("yes" if role in ability.roles else "" for role in ROLES)] for ability in ABILITIES),
    ]


@pytest.mark.django_db
def test_the_migrations_make_the_roles() -> None:
    make_roles(apps, None)  # again: a test that commits empties all tables
    for role in ROLES:
        rows = Group.objects.get(name=role).permissions.values_list("content_type__model", "codename")
        assert {f"{model}.{codename}" for model, codename in rows} == permissions_of(role)


@pytest.mark.django_db
def test_a_permission_that_no_model_knows_is_given_to_no_role() -> None:
    grant(apps, {"viewer": ["person.fly", "unicorn.view_unicorn"]})
    assert not Permission.objects.filter(codename__in=("fly", "view_unicorn")).exists()


def test_every_permission_of_ours_is_in_a_role() -> None:
    ours = {
        f"{model._meta.model_name}.{codename}"
        for model in apps.get_app_config("scopes").get_models()
        for codename, _ in model._meta.permissions
    }
    assert ours <= GIVEN


def test_every_permission_that_a_screen_asks_for_is_in_a_role() -> None:
    codenames = {name.partition(".")[2] for name in GIVEN}
    asked = {permission for url in desk.screens.values() for permission in url.callback.permissions}  # type: ignore[attr-defined]
    assert asked
    assert {permission for permission in asked if permission.removeprefix("scopes.") not in codenames} == set()
