"""Give permissions to roles, for migrations. One that comes with a later model is given by that model's migration."""

from collections.abc import Iterable, Mapping
from typing import Any

DEFAULTS = ("add", "change", "delete", "view")


def grant(apps: Any, wanted: Mapping[str, Iterable[str]]) -> None:
    """Each role is a group that has these permissions (`model.codename`) at least; what it had stays.

    A permission that is not known yet at this migration is left out.
    """
    given = {role: sorted(names) for role, names in wanted.items()}
    permissions = _permissions(apps, {name for names in given.values() for name in names})
    for role, names in given.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=role)
        group.permissions.add(*(permissions[name] for name in names if name in permissions))


def _permissions(apps: Any, names: set[str]) -> dict[str, Any]:
    """The rows of those that are known, by name; Django itself makes what is missing only after all migrations."""
    types, rows = apps.get_model("contenttypes", "ContentType").objects, apps.get_model("auth", "Permission").objects
    of_model = {row.model: row for row in types.filter(app_label="scopes")}
    there = rows.filter(content_type__app_label="scopes").select_related("content_type")
    found = {f"{row.content_type.model}.{row.codename}": row for row in there}
    missing = {}
    for name in sorted(names - found.keys()):
        model, codename = name.split(".")
        words = _known(apps, model).get(codename)
        if words is None:
            continue
        if model not in of_model:
            of_model[model] = types.create(app_label="scopes", model=model)
        missing[name] = rows.model(content_type_id=of_model[model].pk, codename=codename, name=words)
    rows.bulk_create(missing.values())
    return found | missing


def _known(apps: Any, model: str) -> dict[str, str]:
    """The permissions of a model, with their words; none where there is no such model yet."""
    try:
        options = apps.get_model("scopes", model)._meta
    except LookupError:
        return {}
    return {f"{verb}_{model}": f"Can {verb} {options.verbose_name}" for verb in DEFAULTS} | dict(options.permissions)
