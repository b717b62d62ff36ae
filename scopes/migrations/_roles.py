"""Give permissions to roles, for migrations. One that comes with a later model is given by that model's migration."""

from collections.abc import Iterable, Mapping
from typing import Any

DEFAULTS = ("add", "change", "delete", "view")


def grant(apps: Any, wanted: Mapping[str, Iterable[str]]) -> None:
    """Each role is a group that has these permissions (`model.codename`) at least; what it had stays.

    A permission that is not known yet at this migration is left out.
    """
    for role, names in wanted.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(row for name in sorted(names) if (row := _permission(apps, name)) is not None))


def _permission(apps: Any, name: str) -> Any:
    """The permission, or None; Django itself makes what is missing only after all migrations."""
    model, codename = name.split(".")
    try:
        options = apps.get_model("scopes", model)._meta
    except LookupError:
        return None
    known = {f"{verb}_{model}": f"Can {verb} {options.verbose_name}" for verb in DEFAULTS} | dict(options.permissions)
    if codename not in known:
        return None
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="scopes", model=model
    )
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type_id=content_type.pk, codename=codename, defaults={"name": known[codename]}
    )
    return permission
