"""Signs that two connections are, or are not, one and the same. They prove nothing: an agent decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from scopes.facts import LinkState
from scopes.models import Connection


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign as a sentence. `is_for` is true when it suggests that they are one."""

    is_for: bool
    sentence: str


def signs(one: Connection, other: Connection) -> list[Sign]:
    """The signs that the two rows, their standings and their pulses give."""
    old, new = sorted((one, other), key=lambda row: (row.consented_at or row.first_seen_at, row.pk))
    return [sign for sign in (_works(old, new), _data(old, new), _account(old, new)) if sign is not None]


def words_of_link(row: Connection) -> str:
    """The state of the link in words, such as `token rejected`."""
    return row.standing.link.replace("_", " ")


def last_data_on(row: Connection) -> date | None:
    """The day of the newest data, None when unknown."""
    pulse = getattr(row, "pulse", None)
    return pulse.last_data_on if pulse else None


def _works(old: Connection, new: Connection) -> Sign | None:
    works = [row.standing.link == LinkState.ACTIVE for row in (old, new)]
    if all(works):
        return Sign(False, "Both work according to the source, so they may be two accounts.")
    if works == [False, True]:
        return Sign(True, f"The older one no longer works ({words_of_link(old)}), the newer one does.")
    if works == [True, False]:
        return Sign(False, f"The newer one no longer works ({words_of_link(new)}), the older one does.")
    return None


def _data(old: Connection, new: Connection) -> Sign | None:
    if new.consented_at is None:
        return None
    since, last_data = f"{new.consented_at:%-d %b %Y}", last_data_on(old)
    if last_data is not None and last_data > new.consented_at.date():
        return Sign(False, f"Data arrived for the older one after the newer consent of {since}.")
    return Sign(True, f"No data has arrived for the older one since the newer consent of {since}.")


def _account(old: Connection, new: Connection) -> Sign | None:
    if not old.provider_user_id or not new.provider_user_id:
        return None
    if old.provider_user_id == new.provider_user_id:
        return Sign(True, "Both use the same account at the provider.")
    return Sign(False, "They use different accounts at the provider.")
