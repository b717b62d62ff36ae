"""Where a link's consent made a second connection: whether both are of one account at the provider."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q

from scopes.models import Attempt
from scopes.sources.gateway import Gateway
from scopes.sync.live_check import Checked, answer, new_checks

LOOKED_BACK = timedelta(days=2)
AUTHOR = "second connections"


def compare_accounts(gateway: Gateway, clock: Callable[[], datetime]) -> Checked:
    """Where a link's consent made a second connection, ask which account each is of, if the provider may be probed.

    Equal accounts merge them, different ones are a wrong account; without the answers it is only inferred.
    """
    if not gateway.probes:
        return Checked()
    now = clock()
    second = (
        Attempt.objects.filter(
            source__key=gateway.key,
            state=Attempt.State.SUCCEEDED,
            ended_at__gt=now - LOOKED_BACK,
            connection__isnull=False,
            connection__merged_into__isnull=True,
            link__connection__isnull=False,
            link__connection__merged_into__isnull=True,
        )
        .exclude(connection=F("link__connection"))
        .filter(Q(connection__provider_user_id="") | Q(link__connection__provider_user_id=""))
        .exclude(connection__live_checks__author=AUTHOR)
        .select_related("connection", "link__connection")
        .order_by("pk")
    )
    # The connection that was to be fixed comes first: the reply about the second settles the link.
    both = [row for one in second for row in (one.link.connection, one.connection) if row]  # type: ignore[union-attr]
    return answer(new_checks(dict.fromkeys(both), AUTHOR, now), gateway, clock)
