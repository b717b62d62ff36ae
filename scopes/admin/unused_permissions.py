"""Least privilege: what is requested, or was granted, and no feature needs."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

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
        told = privilege(verdicts.policy_of(row.policy_version), entry, granted.get(row.pk, ()))
        found.append((row, told, {scope.name: scope.label for scope in entry.scopes}))
    context = {
        "beyond": [
            (row, told, [(scope, labels.get(scope, ""), number) for scope, number in told.granted])
            for row, told, labels in found
            if _is_beyond(told)
        ],
        "within": [row for row, told, _ in found if not _is_beyond(told)],
        "taken_at": census.taken_at(),
    }
    return desk.page(request, "admin/policies/unused_permissions.html", "Least privilege", **context)


def _is_beyond(told: Privilege) -> bool:
    return bool(told.unused or told.insisted or told.granted)
