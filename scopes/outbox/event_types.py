"""The types of events. docs/events.md describes each with an example."""

from __future__ import annotations

BROKEN, FIXED = "connection.broken", "connection.fixed"
MISSING, GRANTED = "scopes.missing", "scopes.granted"
SETTLED = "link.settled"
INCIDENT = "provider.incident"
POLICY = "policy.published"
AUDIT = "audit.finished"
TEST = "endpoint.test"

# Those that an endpoint may choose from; a test goes to the endpoint that it tests.
TYPES = (BROKEN, FIXED, MISSING, GRANTED, SETTLED, INCIDENT, POLICY, AUDIT)
