"""A campaign of many people, from its preflight to its last link, killed with kill -9 in the middle."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from django.db import connection

from benchmarks.population import START, policy_for, vacuum
from benchmarks.recording import Row, timed
from portal.embedded_postgres import CHECKOUT
from scopes.catalogue import default
from scopes.facts import LinkState
from scopes.judge import census
from scopes.judge.policy import draft, ensure_integration, publish
from scopes.judge.rules import StandingFacts
from scopes.judge.standing import intern
from scopes.models import Campaign, Message, ReauthLink, Recipient, Source
from scopes.models.trail import Act
from scopes.reauth.campaigns import acts, numbers
from scopes.reauth.campaigns.acts import Plan

PROVIDER = "oura"
KILLED_AT = 0.4
ACT = Act(None, "For the measurement.", by="bench")
FASTEST = 1_000_000_000

# What the job does, until there is nothing left to do.
SENDER = """
import sys, django
django.setup()
from django.utils import timezone
from scopes.models import Campaign
from scopes.reauth.campaigns import audience, sending
limits = audience.Limits(3, [b"bench"])
sending.go_on(Campaign.objects.get(pk=int(sys.argv[1])), timezone.now, lambda: True, limits)
"""


def run(recipients: int) -> list[Row]:
    """Rows of (what, figure) for a campaign of so many people, all of whom a link would help."""
    _populate(recipients)
    now = datetime.now(UTC)
    campaign = acts.draft(Plan("Bench", 14, FASTEST, filters={"source": str(Source.objects.get().pk)}), ACT, now)
    weighing, _ = timed(lambda: _work(campaign))
    campaign.refresh_from_db()
    assert campaign.weighed_at is not None
    acts.start(campaign, ACT, datetime.now(UTC))
    killed_after, sent = _work_until_killed(campaign, int(recipients * KILLED_AT))
    rest, _ = timed(lambda: _work(campaign))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DONE
    twice = _check(recipients)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    counting, _ = timed(lambda: numbers.numbers_of(campaign, datetime.now(UTC)))
    grouping, _ = timed(lambda: numbers.groups_of(campaign))
    seconds = killed_after + rest
    return [
        (f"campaign: {recipients:,} people recorded, preflight of all", f"{weighing:.1f} s"),
        ("  their links created and messages queued", f"{seconds:.1f} s, {recipients / seconds:,.0f}/s"),
        (f"  killed with kill -9 at {sent:,} and begun again: sent twice", str(twice)),
        ("  memory of the sender, at most", f"{memory:.0f} MB"),
        ("  its groups / its funnel counted", f"{1000 * grouping:.0f} / {1000 * counting:.0f} ms"),
    ]


def _populate(people: int) -> None:
    """So many people with one connection each, which a link would fix: a scope is missing, or the access is lost."""
    source = Source.objects.create(kind="terra", name="bench", production=True)
    integration = ensure_integration(source, default().provider(PROVIDER), START)
    publish(draft(integration, policy_for(PROVIDER), author="bench", now=START), now=START)
    integration.refresh_from_db()
    names = [scope.name for scope in default().provider(PROVIDER).scopes]
    declined = StandingFacts(
        integration=integration.pk, reported=frozenset(names[2:]), consent_version=integration.policy_version_id
    )
    standings = list(intern([declined, declined._replace(link=LinkState.REVOKED)]).values())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH people AS (
                INSERT INTO scopes_person (reference_id, email, name, locale, plan, created_at)
                SELECT 'user-' || n, 'user' || n || '@example.com', 'Person ' || n, 'en', '', %(at)s
                FROM generate_series(1, %(people)s) n
                RETURNING id, reference_id
            )
            INSERT INTO scopes_connection (integration_id, user_id, standing_id, person_id, reference_id,
                provider_user_id, consented_at, scopes_at, link_at, first_seen_at)
            SELECT %(integration)s, 'terra-' || id, (%(standings)s::int[])[1 + id %% 2], id, reference_id, '',
                   %(at)s, %(at)s, %(at)s, %(at)s
            FROM people
            """,
            {"at": START, "people": people, "integration": integration.pk, "standings": standings},
        )
    vacuum()
    census.take(START)


def _begun(campaign: Campaign) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SENDER, str(campaign.pk)], cwd=CHECKOUT, env=dict(os.environ))


def _work(campaign: Campaign) -> None:
    with _begun(campaign) as sender:
        assert sender.wait() == 0


def _work_until_killed(campaign: Campaign, enough: int) -> tuple[float, int]:
    """Kill the sender once that many links exist; (seconds, how many there are then)."""
    began = time.perf_counter()
    links = ReauthLink.objects.all()
    with _begun(campaign) as sender:
        while links.count() < enough:
            assert sender.poll() is None, "the campaign was done before it could be killed"
            time.sleep(0.05)
        sender.send_signal(signal.SIGKILL)
        sender.wait()
    return time.perf_counter() - began, links.count()


def _check(recipients: int) -> int:
    """How many people got a second link or message; all of them got one."""
    assert Recipient.objects.filter(state="sent", link__isnull=False).count() == recipients
    assert ReauthLink.objects.values("person").distinct().count() == recipients
    assert Message.objects.values("link").distinct().count() == recipients
    links, messages = ReauthLink.objects.count() - recipients, Message.objects.count() - recipients
    return max(links, messages)
