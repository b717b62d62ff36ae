"""One module for each family of APIs, with its `RECOGNISERS`. A new one needs an entry there and a sample.

`oauth` holds what the standards say. `needed`, `lacking`, `refused`, `our_client`, `ended` and `other_words` hold what
servers and libraries say in their own words: general on purpose, for texts that nobody has seen yet. `terra` and
`health` hold what our own providers answer.
"""

from __future__ import annotations

from scopes.diagnose.recogniser import RecogniserFunction
from scopes.diagnose.recognisers import (
    client_errors,
    code_hosts,
    commerce,
    fitbit,
    google,
    health,
    microsoft,
    missing_named,
    missing_unnamed,
    oauth,
    on_device,
    other_errors,
    refusals,
    service_ended,
    social,
    strava,
    terra,
    workplace,
)

RECOGNISERS: tuple[RecogniserFunction, ...] = (
    *oauth.RECOGNISERS,
    *missing_named.RECOGNISERS,
    *missing_unnamed.RECOGNISERS,
    *refusals.RECOGNISERS,
    *other_errors.RECOGNISERS,
    *client_errors.RECOGNISERS,
    *service_ended.RECOGNISERS,
    *terra.RECOGNISERS,
    *google.RECOGNISERS,
    *fitbit.RECOGNISERS,
    *strava.RECOGNISERS,
    *health.RECOGNISERS,
    *on_device.RECOGNISERS,
    *microsoft.RECOGNISERS,
    *code_hosts.RECOGNISERS,
    *workplace.RECOGNISERS,
    *social.RECOGNISERS,
    *commerce.RECOGNISERS,
)
