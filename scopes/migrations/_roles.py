"""Give permissions to roles: for the migrations that bring new ones."""

from collections.abc import Iterable, Mapping
from typing import Any


def grant(apps: Any, wanted: Mapping[str, Iterable[str]]) -> None:
    """Each role is a group that has these permissions (`model.codename`) at least; what it had stays."""
    for role, names in wanted.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(_permission(apps, name) for name in names))


def _permission(apps: Any, name: str) -> Any:
    """The permission; Django itself makes what is missing only after all migrations."""
    model, codename = name.split(".")
    options = apps.get_model("scopes", model)._meta
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="scopes", model=model
    )
    words = dict(options.permissions).get(codename, f"Can view {options.verbose_name}")
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type_id=content_type.pk, codename=codename, defaults={"name": words}
    )
    return permission
