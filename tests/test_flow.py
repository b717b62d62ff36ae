"""The spine: what is cut off is finished when it is done again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scopes.judge import policy
from scopes.judge.policy import draft
from tests import cast as people
from tests.audit.nightly import run


@pytest.mark.usefixtures("cast")
def test_a_publication_that_was_cut_off_while_consents_moved_is_finished_at_night() -> None:
    version = draft(people.integration_of("oura"), people.OURA_POLICY, author="Pat", now=people.NOW)
    policy.publish(version, now=people.NOW, in_force_from=people.CONSENTED - timedelta(days=1))
    assert people.connection_of("ben").standing.consent_version != version

    run()

    assert people.connection_of("ben").standing.consent_version == version
