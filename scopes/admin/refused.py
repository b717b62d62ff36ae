"""Why a page or an act is refused, in words: it names the roles that may."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext

from scopes.admin.tags import listed


def refusal(permissions: Iterable[str]) -> PermissionDenied:
    """What a view raises where one of `permissions` (`scopes.codename`) is missing; templates/403.html shows its text.

    A role may if it has all of them, as its group has them now.
    """
    needed = {name.partition(".")[2] for name in permissions}
    groups = Group.objects.order_by("name").prefetch_related("permissions")
    roles = [group.name for group in groups if needed <= {one.codename for one in group.permissions.all()}]
    if not roles:
        return PermissionDenied(gettext("Only an administrator may."))
    return PermissionDenied(gettext("Roles that may: %(roles)s.") % {"roles": listed(roles)})
