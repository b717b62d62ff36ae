"""Read the connections that the host reports by the API: each row becomes facts, or the reason why not.

A row says how a connection is at `happened_at`, by default the time of the call. What a row leaves out is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from scopes.catalogue import Provider, default
from scopes.facts import ConnectionFact, ConnectionSeen, ConsentGiven, LinkChanged, LinkState
from scopes.intake.files.connections_file import id_in, past_time_in
from scopes.intake.files.file_rows import RefusedRow
from scopes.intake.reports.rows import fields_of
from scopes.sources.fields import LONGEST_TEXT, LONGEST_USER_ID, PayloadError, kind_of, scopes_in, text_in

FIELDS = (
    "source",
    "provider",
    "user_id",
    "reference_id",
    "scopes",
    "active",
    "state",
    "consented_at",
    "last_data_on",
    "provider_user_id",
    "happened_at",
)
# A day begins earlier where the clocks are ahead of UTC.
A_DAY_AHEAD = timedelta(hours=14)
# The states of a link that a host can know.
STATES = {
    state.value: state
    for state in (
        LinkState.ACTIVE,
        LinkState.REVOKED,
        LinkState.TOKEN_REJECTED,
        LinkState.DEAUTHORISED,
        LinkState.GONE,
        LinkState.CREDENTIAL_CHANGED,
    )
}


@dataclass(frozen=True, slots=True)
class ReportedConnection:
    """One row's facts. `source` is the key of the source that it names, None where it names none."""

    place: int
    source: str | None
    facts: tuple[ConnectionFact, ...]


def read(rows: Sequence[object], now: datetime) -> tuple[list[ReportedConnection], list[RefusedRow]]:
    """The connections in these rows, and the refused rows. Rows are counted from 0; the call came at `now`."""
    connections: list[ReportedConnection] = []
    refused: list[RefusedRow] = []
    for place, row in enumerate(rows):
        try:
            connections.append(_connection(place, fields_of(row, FIELDS), now))
        except PayloadError as problem:
            refused.append(RefusedRow(place, str(problem)))
    return connections, refused


def _connection(place: int, row: Mapping[str, Any], now: datetime) -> ReportedConnection:
    user_id = id_in(row, "user_id", LONGEST_USER_ID)
    if user_id is None:
        raise PayloadError("user_id is missing")
    provider = provider_in(row)
    if provider is None:
        raise PayloadError("provider is missing")
    reference_id = id_in(row, "reference_id", LONGEST_TEXT)
    scopes = scopes_in(row, "scopes", reports=provider.reports_scopes)
    state = _state(row)
    consented_at = past_time_in(row, "consented_at", now)
    at = past_time_in(row, "happened_at", now)
    if at is not None and consented_at is not None and consented_at > at:
        raise PayloadError("consented_at lies after happened_at")
    at = at or max(now, consented_at or now)
    facts: list[ConnectionFact] = []
    if consented_at is not None:
        facts.append(ConsentGiven(provider.slug, user_id, consented_at, reference_id, scopes))
    data_at = past_time_in(row, "last_data_on", now, ahead=A_DAY_AHEAD)
    account = id_in(row, "provider_user_id", LONGEST_TEXT)
    if scopes is not None or data_at or account or not (facts or state):
        last_data_on = None if data_at is None else data_at.date()
        seen = ConnectionSeen(
            provider.slug, user_id, at, reference_id, scopes, last_data_on=last_data_on, provider_user_id=account
        )
        facts.append(seen)
    if state is not None:
        facts.append(LinkChanged(provider.slug, user_id, state, at, reference_id))
    return ReportedConnection(place, text_in(row, "source", longest=LONGEST_TEXT), tuple(facts))


def provider_in(row: Mapping[str, Any]) -> Provider | None:
    """The provider that a row names, by our slug or by the name of any kind of source. Raises PayloadError."""
    name = text_in(row, "provider", longest=LONGEST_TEXT)
    return None if name is None else _provider(name)


@lru_cache(maxsize=1024)
def _provider(name: str) -> Provider:
    found = default().providers.get(name.lower()) or default().known_anywhere_as(name)
    if found is None:
        raise PayloadError("provider is in no catalogue entry")
    return found


def _state(row: Mapping[str, Any]) -> LinkState | None:
    """The state of the link; `active` says it in short."""
    active, name = row.get("active"), text_in(row, "state", longest=LONGEST_TEXT)
    if active is not None and not isinstance(active, bool):
        raise PayloadError(f"active must be true or false, not {kind_of(active)}")
    if name is None:
        return None if active is None else LinkState.ACTIVE if active else LinkState.INACTIVE
    if name not in STATES:
        raise PayloadError(f"state must be one of {', '.join(STATES)}")
    if active is not None and active is not (STATES[name] is LinkState.ACTIVE):
        raise PayloadError("active and state contradict each other")
    return STATES[name]
