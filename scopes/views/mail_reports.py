"""Receives what the mail service reports of mails: they arrived, or bounced. Nothing unproved is accepted."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.conf import settings
from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from scopes.channels import tracking
from scopes.counters import count_webhook
from scopes.door import door
from scopes.reauth.tracked import record_reports
from scopes.sync.body import Body
from scopes.sync.receive import NotReceived, receive

LARGEST = 1024 * 1024
SOURCE = "mail"  # under which they are counted

log = logging.getLogger(__name__)


@door(methods=("HEAD", "POST"), takes_any_input=True, work="webhooks")
@csrf_exempt
@transaction.non_atomic_requests
def receive_mail_reports(request: HttpRequest) -> HttpResponse:
    """200 once the reports are recorded, whether or not they are of mails of ours; 401 where they are not proved.

    Refusals are counted by their log line, which repeats nothing of the request. 5xx: the service sends them again.
    """
    if request.method == "HEAD":  # some services ask whether the address exists
        return HttpResponse()
    try:
        with Body() as body:
            receive(request, body, LARGEST)
            with body.read() as whole:
                vars(request)["_body"] = bytes(whole)
        now = timezone.now()
        reports = tracking.read(settings.MAIL_SERVICE, request, now)
        known = record_reports(reports) if reports else 0
    except NotReceived as problem:
        return _refuse(problem.status, str(problem), str(problem))
    except tracking.NoTracking:
        return _refuse(HTTPStatus.NOT_FOUND, "no mail service with webhooks is set up", "no such receiver")
    except tracking.NotSetUp:
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, "ANYMAIL_WEBHOOK_SECRET or the key is missing", "not set up")
    except tracking.NotProved as problem:
        return _refuse(HTTPStatus.UNAUTHORIZED, f"it is not proved ({problem})", "the signature is not verified")
    except tracking.Unreadable as problem:
        return _refuse(HTTPStatus.BAD_REQUEST, f"it cannot be read ({problem})", "this cannot be read")
    except Error as problem:
        why = f"it could not be recorded: {type(problem).__name__}"
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, why, "not recorded, send it again")
    log.info("mail reports received: %s, of messages of ours: %s", len(reports), known)
    count_webhook(SOURCE, HTTPStatus.OK)
    return HttpResponse()


def _refuse(status: HTTPStatus, why: str, answer: str) -> HttpResponse:
    log.warning("mail report refused with %s: %s", status.value, why)
    count_webhook(SOURCE, status)
    return HttpResponse(f"{answer}\n", status=status, content_type="text/plain")
