"""Whoever looked is named: an agent or a key, once in ten minutes."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from scopes import access_log
from scopes.models import Source, TrailEntry
from scopes.models.trail import Act
from tests import cast as people

BY_KEY = Act(None, by="API key app")


def written() -> list[tuple[str, str, str]]:
    rows = TrailEntry.objects.filter(verb__in=access_log.VERBS).order_by("pk")
    return list(rows.values_list("verb", "actor_name", "subject"))


def test_a_key_is_named_once_in_ten_minutes_and_an_agent_beside_it(cast: Source) -> None:
    now, ben = timezone.now(), people.the("Ben")
    agent = Act(User.objects.create(username="vera"))
    for who, at in ((BY_KEY, now), (BY_KEY, now), (Act(None, by="API key other"), now), (agent, now)):
        access_log.note(who, ben, at)
    access_log.note(BY_KEY, ben, now + access_log.AGAIN + timedelta(seconds=1))
    assert [by for _, by, _ in written()] == ["API key app", "API key other", "vera", "API key app"]
    assert set(written()) == {("person.opened", by, "ref-ben") for by in ("API key app", "API key other", "vera")}


def test_a_token_is_recorded_beside_having_seen_the_person(cast: Source) -> None:
    now, row = timezone.now(), people.connection_of("Ben")
    access_log.note(BY_KEY, people.the("Ben"), now)
    for _ in range(2):
        access_log.note_token(BY_KEY, row, now)
    assert [verb for verb, _, _ in written()] == ["person.opened", "token.given"]
    entry = TrailEntry.objects.get(verb="token.given")
    assert (entry.person, entry.connection_id) == (people.the("Ben"), row.pk)


def test_a_downloaded_file_is_recorded_each_time_and_one_that_names_no_one_is_not(cast: Source) -> None:
    now, pks = timezone.now(), [people.the("Ben").pk, people.the("Ada").pk]
    for _ in range(2):
        access_log.note_exported(BY_KEY, "admin:export_connections", [*pks, pks[0]], now)
    access_log.note_exported(BY_KEY, "admin:export_connections", [], now)
    assert written() == [("people.listed", "API key app", "admin:export_connections")] * 2
    assert [entry.detail for entry in TrailEntry.objects.filter(verb="people.listed")] == [{"people": sorted(pks)}] * 2
