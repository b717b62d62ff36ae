"""The functions of jobs. Each takes ids, calls into the modules below, and may be repeated, unless it says otherwise.

`queue.defer("name", …)` defers one. Give a job at most about 500 ids: an interrupted job is repeated as a whole.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from scopes import flow, queue
from scopes.channels import addresses
from scopes.channels.agent_mail import send_reset
from scopes.channels.email import Sender
from scopes.models import Campaign, Endpoint, JobFailure, Listing, Source
from scopes.outbox import sending, signing
from scopes.reauth import messages
from scopes.reauth.campaigns import sending as sending_campaigns
from scopes.reauth.campaigns.audience import Limits
from scopes.reauth.public_address import mailed_address
from scopes.redaction import without_addresses
from scopes.sources import registry
from scopes.sources.errors import NotConfigured, SourceError
from scopes.sync import deliveries, listing_lock, live_check, quarantine, rate_limit, refreshes, shards
from scopes.sync.second_connections import compare_accounts

KEPT = timedelta(days=30)
CHECKS = 100
REFRESHING_SECONDS = 50
CAMPAIGN_SECONDS = 50

log = logging.getLogger(__name__)

_at_a_shard = Lock()


@queue.job("pending_deliveries", every="* * * * *")
def pending_deliveries() -> None:
    """Process the stored deliveries that are pending and due for their next attempt."""
    deliveries.process_pending(timezone.now())


@queue.job("live_checks")
def live_checks(checks: Sequence[int]) -> None:
    """Answer the checks that are still pending. If a source does not answer, the job fails and the rest is retried."""
    pending = live_check.pending(checks).select_related("connection__integration__source")
    by_source = defaultdict(list)
    for check in pending:
        by_source[check.connection.integration.source].append(check)
    for source, rows in by_source.items():
        checked = live_check.check(rows, rate_limit.gateway_of(source), timezone.now)
        if checked.trouble is not None:
            raise checked.trouble


@queue.job("second_connections", every="*/5 * * * *")
def second_connections() -> None:
    """Ask which accounts the connections are of that a link's consent made besides the one to be fixed."""
    for found in registry.set_up().values():
        if found.kind in registry.able("changes_ids"):
            compare_accounts(rate_limit.gateway_of(found), timezone.now)


@queue.job("list_shard")
def list_shard(listing: int) -> None:
    """Walk one shard of the listing, while somebody leads it; then the next job goes on with the next.

    A process is at one at a time, so that its other places stay free. What goes wrong, the one who leads will meet too.
    """
    row = Listing.objects.select_related("source").filter(pk=listing, finished_at=None).first()
    if row is None or not listing_lock.is_held(row.source_id):
        return
    if not _at_a_shard.acquire(blocking=False):
        queue.defer("list_shard", listing=listing, at=timezone.now() + timedelta(seconds=1))
        return
    try:
        if shards.walk_one(row, rate_limit.gateway_of(row.source), timezone.now):
            queue.defer("list_shard", listing=listing)
    except (SourceError, NotConfigured) as problem:
        log.warning("a shard of %s is not walked here: %s", row.source, without_addresses(str(problem)))
    finally:
        _at_a_shard.release()


@queue.job("refreshes", every="* * * * *")
def refreshes_of_sources() -> None:
    """Defer a job for each source at which tokens are due to be refreshed."""
    due = refreshes.sources_with_due(timezone.now())
    queue.defer_many("refresh_source", ({"source": source.pk} for source in due))


@queue.job("refresh_source", attempts=1)
def refresh_source(source: int) -> None:
    """Refresh what is due at the source, for nearly a minute: then the next job goes on."""
    row = Source.objects.get(pk=source)
    ends = time.monotonic() + REFRESHING_SECONDS
    refreshes.refresh_due(row, rate_limit.gateway_of(row), timezone.now, lambda: time.monotonic() < ends)


@queue.job("unconfirmed", every="*/5 * * * *")
def unconfirmed() -> None:
    """Ask a source that keeps its ids about what an event only hinted at; others are asked at night, by a listing."""
    for found in registry.set_up().values():
        source = Source.objects.filter(kind=found.kind, name=found.name).first()
        if source is not None and found.kind in registry.able("finishes_consents"):
            live_check.check_unconfirmed(source, rate_limit.gateway_of(found), timezone.now, CHECKS)


@queue.job("name_grams", every="*/5 * * * *")
def name_grams() -> None:
    """Make the n-grams of names that await them: after an upgrade all, later those that an older release changed."""
    flow.fill_name_grams()


@queue.job("overdue", every="* * * * *")
def overdue() -> None:
    """Settle attempts that are overdue, and continue to apply facts released from quarantine."""
    for source in Source.objects.order_by("pk"):
        flow.settle_overdue(source.key, timezone.now())
        quarantine.apply_believed(source, timezone.now)


@queue.job("send_events", every="* * * * *")
def send_events() -> None:
    """Defer a job for each endpoint at which events are due: one that is slow or down delays no other."""
    for endpoint in sending.endpoints_due(timezone.now()):
        _defer_sending(endpoint)


@queue.job("send_to_endpoint", once=True)
def send_to_endpoint(endpoint: int) -> None:
    """Send what is due there for some seconds, as long as it is not slow."""
    _send(endpoint, slow=False)


@queue.job("send_to_slow_endpoint", once=True, lane="slow endpoints")
def send_to_slow_endpoint(endpoint: int) -> None:
    """Send what is due there for some seconds. Together the slow endpoints take the time of one job."""
    _send(endpoint, slow=True)


def _send(endpoint: int, *, slow: bool) -> None:
    """What is left gets a job behind those that wait by then."""
    keys = signing.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if sending.send_due(endpoint, keys, timezone.now, slow=slow, loopback=settings.EVENTS_TO_LOOPBACK):
        _defer_sending(Endpoint.objects.get(pk=endpoint))


def _defer_sending(endpoint: Endpoint) -> None:
    queue.defer("send_to_slow_endpoint" if endpoint.is_slow else "send_to_endpoint", endpoint=endpoint.pk)


@queue.job("send_messages", every="* * * * *", repeatable=False)
def send_messages() -> None:
    """Send the messages that are due for nearly a minute: then the next job goes on."""
    if not settings.MAIL_FROM:
        return
    mailing = messages.Mailing(
        Sender(settings.MAIL_FROM, settings.MAIL_REPLY_TO),
        settings.PORTAL_HOST_NAME,
        addresses.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
        settings.PORTAL_REMINDERS,
        settings.PORTAL_REMINDER_DAYS,
    )
    if messages.send_due(mailing, timezone.now):
        queue.defer("send_messages")


@queue.job("send_password_resets", repeatable=False)
def send_password_resets(agents: Sequence[int]) -> None:
    """Mail these agents a link to choose a new password, which works for an hour."""
    sender = Sender(settings.MAIL_FROM, settings.MAIL_REPLY_TO)
    for user in User.objects.filter(pk__in=agents):
        uid = urlsafe_base64_encode(force_bytes(user.pk))
        url = mailed_address("reset_password_confirm", uid, default_token_generator.make_token(user))
        send_reset(sender, user, url)


@queue.job("campaigns", every="* * * * *")
def campaigns() -> None:
    """Defer a job for each campaign that has something to do."""
    queue.defer_many("run_campaign", ({"campaign": campaign} for campaign in sending_campaigns.campaigns_due()))


@queue.job("run_campaign", once=True)
def run_campaign(campaign: int) -> None:
    """Record and weigh its audience, or create its links, for nearly a minute: then the next job goes on."""
    ends = time.monotonic() + CAMPAIGN_SECONDS
    sending_campaigns.go_on(
        Campaign.objects.get(pk=campaign),
        timezone.now,
        lambda: time.monotonic() < ends,
        Limits(settings.PORTAL_LINKS_A_MONTH, addresses.keys_from(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)),
    )


@queue.job("stalled_jobs", every="* * * * *", alone=False)
def stalled_jobs() -> None:
    """Return the jobs of killed workers to the queue."""
    if taken := queue.take_up_stalled(timezone.now()):
        log.warning("jobs of workers that were killed are taken up again: %s", taken)


@queue.job("old_failures", every="17 4 * * *")
def old_failures() -> None:
    """Delete jobs that failed more than a month ago and were not retried."""
    before = timezone.now() - KEPT
    queue.forget_failed(JobFailure.objects.filter(at__lt=before).values_list("job", flat=True))
    JobFailure.objects.filter(at__lt=before).delete()
