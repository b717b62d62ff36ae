"""The spine: what is cut off is finished when it is done again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from scopes import flow
from scopes.facts import Fact
from scopes.judge import policy
from scopes.judge.policy import draft
from scopes.models import Connection, Period, Person, Source
from tests import cast as people
from tests.audit.nightly import run
from tests.cast import NOW
from tests.intake.recording.ada import ADA, record


@pytest.mark.usefixtures("cast")
def test_a_publication_that_was_cut_off_while_consents_moved_is_finished_at_night() -> None:
    version = draft(people.integration_of("oura"), people.OURA_POLICY, author="Pat", now=people.NOW)
    policy.publish(version, now=people.NOW, in_force_from=people.CONSENTED - timedelta(days=1))
    assert people.connection_of("ben").standing.consent_version != version

    run()

    assert people.connection_of("ben").standing.consent_version == version


@pytest.mark.django_db
def test_the_night_claims_what_was_left_unclaimed_and_judges_it_by_the_plan() -> None:
    source = Source.objects.create(kind="terra", name="prod")
    flow.take_in_people([ADA], NOW)
    record(source)
    Connection.objects.update(person=None)
    assert flow.claim_connections(NOW) == 1
    assert flow.claim_connections(NOW) == 0
    assert Connection.objects.get().person == Person.objects.get()


@pytest.mark.usefixtures("cast")
def test_facts_that_were_cut_off_after_a_batch_are_recorded_once_when_they_are_taken_in_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flow, "BATCH", 2)
    facts = [people.consent(f"p{number}", "oura", people.EVERYTHING[:number]) for number in range(5)]

    def cut_off() -> Iterator[Fact]:
        yield from facts[:3]
        raise ConnectionError("the source hangs up")

    with pytest.raises(ConnectionError):
        flow.take_in(people.terra(), cut_off(), people.BY_WEBHOOK, people.NOW)
    begun = Period.objects.filter(connection__user_id__startswith="p").count()
    again = flow.take_in(people.terra(), facts, people.BY_WEBHOOK, people.NOW)

    assert (begun, again.new, again.unchanged) == (2, 3, 2)
    assert Period.objects.filter(connection__user_id__startswith="p").count() == 5
