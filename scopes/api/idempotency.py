"""A POST with an `Idempotency-Key` is done once: a repeat gets the answer of the first, for a day."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256

from django.http import HttpRequest, HttpResponse

from scopes.api.problems import Problem
from scopes.models import ApiCall, ApiKey
from scopes.models.transactions import in_transaction
from scopes.sync.retention import API_CALLS_KEPT

HEADER = "Idempotency-Key"
# After that whoever answered the call was cut off.
CUT_OFF = timedelta(minutes=1)
LONGEST = 255


class Replayed(Exception):
    """The call was answered before; `response` is that answer."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__()


def begin(request: HttpRequest, key: ApiKey, now: datetime) -> None:
    """Note that a POST with an `Idempotency-Key` begins. Raises Replayed where it was answered, Problem."""
    name = request.headers.get(HEADER)
    if request.method != "POST" or name is None:
        return
    if not 0 < len(name) <= LONGEST or not name.isascii() or not name.isprintable():
        raise Problem(422, "idempotency_key_invalid", f"{HEADER} has 1 to {LONGEST} printable ASCII characters.")
    digest = sha256(b"\0".join((request.path.encode(), request.body))).hexdigest()
    call, mine = _claim(key, name, digest, now)
    if not mine:
        _repeated(call, digest)
    vars(request)["api_call"] = call


@in_transaction
def _claim(key: ApiKey, name: str, digest: str, now: datetime) -> tuple[ApiCall, bool]:
    """The call of that name, and whether it is for us to answer."""
    call, mine = ApiCall.objects.select_for_update().get_or_create(
        key=key, idempotency_key=name, defaults={"request": digest, "at": now}
    )
    if not mine and now - call.at >= (CUT_OFF if call.status is None else API_CALLS_KEPT):
        call.request, call.at, call.status, call.body = digest, now, None, None
        call.save()
        mine = True
    return call, mine


def _repeated(call: ApiCall, digest: str) -> None:
    if call.request != digest:
        raise Problem(409, "idempotency_key_reused", f"Another call had the same {HEADER}.")
    if call.status is None:
        raise Problem(409, "call_in_progress", "The same call is being answered. Try again.", retry_after=1)
    if call.body is None:
        raise Problem(409, "answer_not_stored", "The call was done. Its answer held a secret, which is not stored.")
    response = HttpResponse(json.dumps(call.body), status=call.status, content_type="application/json")
    response["Idempotent-Replayed"] = "true"
    raise Replayed(response)


def keep_secret(request: HttpRequest) -> None:
    """The answer to this call holds a secret, so it is not stored."""
    vars(request)["answer_is_secret"] = True


def end(request: HttpRequest, response: HttpResponse) -> None:
    """Store the answer of a call that succeeded. After an error the same key may try again."""
    call: ApiCall | None = vars(request).pop("api_call", None)
    if call is None:
        return
    mine = ApiCall.objects.filter(pk=call.pk, at=call.at)
    if response.status_code >= 400:
        mine.delete()
        return
    secret = vars(request).get("answer_is_secret", False)
    mine.update(status=response.status_code, body=None if secret else json.loads(response.content or b"null"))
