"""Least privilege: what is requested, or was granted, and no feature needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext

from scopes.admin.policies import LOOK, integrations
from scopes.admin.site import desk
from scopes.catalogue.entries import Provider as Entry
from scopes.judge import census, verdicts
from scopes.judge.least_privilege import Privilege, privilege


@desk.screen("unused-permissions/", "unused_permissions", *LOOK)
def unused_permissions(request: HttpRequest) -> HttpResponseBase:
    """By integration: what is requested, or was granted, and no feature needs."""
    census.take_if_old(timezone.now())
    granted = census.granted()
    found = []
    for row in integrations().filter(policy_version__isnull=False).order_by("provider__name", "source__key"):
        if row.policy_version is None:
            continue
        entry = Entry.from_data(row.provider.entry)
        found_beyond = privilege(verdicts.policy_of(row.policy_version), entry, granted.get(row.pk, ()))
        found.append((row, found_beyond, {scope.name: scope.label for scope in entry.scopes}))
    context: dict[str, Any] = {
        "beyond": [
            (row, found_beyond, [(scope, labels.get(scope, ""), number) for scope, number in found_beyond.granted])
            for row, found_beyond, labels in found
            if _is_beyond(found_beyond)
        ],
        "within": [row for row, found_beyond, _ in found if not _is_beyond(found_beyond)],
        "taken_at": census.taken_at(),
    }
    return desk.page(request, "admin/policies/unused_permissions.html", gettext("Unused permissions"), **context)


def _is_beyond(found_beyond: Privilege) -> bool:
    return bool(found_beyond.unused or found_beyond.insisted or found_beyond.granted)
