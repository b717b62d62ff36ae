"""Terra's Admin API, as far as a support portal needs it, with the documented field names and error codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, NotFound, Unauthorized
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox.account import Account
from scopes.sandbox.grants import terra_name
from scopes.sandbox.json_http import json_object, json_response, whole_number
from scopes.sandbox.settings import FORMATS
from scopes.sandbox.webhook_sender import WebhookSender

ADMIN_BASE = "/api/v3/admin"
PER_PAGE = 50
MOST_ATTEMPTS = 1000
CODES = {
    400: "validation_failed",
    401: "unauthorized",
    403: "scope_missing",
    404: "not_found",
    429: "rate_limited",
    500: "internal_error",
    503: "service_unavailable",
}

type Handler = Callable[..., Response]


class Admin:
    """The Admin API of one account, for who holds `token`. `dev_id` names the one environment that there is."""

    def __init__(self, account: Account, webhook_sender: WebhookSender, dev_id: str, token: str) -> None:
        self.account = account
        self.webhook_sender = webhook_sender
        self.dev_id = dev_id
        self.token = token

    def rules(self) -> Iterator[Rule]:
        yield Rule(f"{ADMIN_BASE}/me", methods=["GET"], endpoint=self._known(self.me))
        for path, method, scope, handler in (
            ("", "GET", "account:read", self.environment),
            ("/unified-api/sources", "GET", "providers:read", self.sources),
            ("/unified-api/sources/<provider>/scopes", "GET", "providers:read", self.custom_scopes),
            ("/unified-api/scopes", "GET", "dataconfig:read", self.data_types),
            ("/unified-api/processing", "GET", "dataconfig:read", self.processing),
            ("/unified-api/destinations", "GET", "destinations:read", self.destinations),
            ("/webhook-events", "GET", "events:read", self.events),
            ("/webhook-events/resend", "POST", "events:write", self.resend),
        ):
            yield Rule(
                f"{ADMIN_BASE}/environments/<dev_id>{path}",
                methods=[method],
                endpoint=self._known(self._of_environment(scope, handler)),
            )

    def error(self, request: Request, error: HTTPException) -> Response:
        """problem+json, without a status in its body and with a stable code."""
        code = error.code or 500
        stable_code = getattr(error, "admin_code", None) or CODES.get(code, "conflict")
        problem = {
            "type": "about:blank",
            "title": error.name.lower(),
            "detail": error.description,
            "instance": request.full_path.rstrip("?"),
            "code": stable_code,
        }
        answer = json_response(problem, code)
        answer.mimetype = "application/problem+json"
        for name, value in error.get_headers():
            if name == "Retry-After":
                answer.headers[name] = value
        return answer

    def me(self, request: Request) -> Response:
        """The token itself."""
        return json_response(
            {
                "token_id": "token-1",
                "kind": "admin",
                "customer_id": "cus_sandbox",
                "scopes": self.account.settings.admin_scopes,
                "dev_ids": None,
                "name": "sandbox",
                "created_via": "dashboard",
                "expires_at": self._expires_at().isoformat().replace("+00:00", "Z"),
                "grant_anchor_at": None,
                "last_used_at": None,
                "user": None,
                "staff": False,
            }
        )

    def environment(self, request: Request) -> Response:
        return json_response(
            {
                "dev_id": self.dev_id,
                "name": "Sandbox",
                "label": "test",
                "active": True,
                "billable": False,
                "profile": None,
                "user_limit": self.account.settings.user_limit,
            }
        )

    def sources(self, request: Request) -> Response:
        names = [terra_name(each) for on_device in (False, True) for each in self.account.providers(on_device)]
        return _listed([{"provider": name.lower(), "active": True} for name in names])

    def custom_scopes(self, request: Request, provider: str) -> Response:
        """The custom OAuth scopes of a source; empty where there are none."""
        if self.account.resources.find(provider) is None:
            raise NotFound("no such source")
        return json_response({"provider": provider, "scopes": self.account.settings.custom_scopes.get(provider, [])})

    def data_types(self, request: Request) -> Response:
        types = self.account.settings.data_types
        return _listed([{"data_type": name, "fields": [], "samples_enabled": False} for name in types])

    def processing(self, request: Request) -> Response:
        selected = self.account.settings.formats
        return _listed([{"type": name, "display_name": name.upper(), "selected": name in selected} for name in FORMATS])

    def destinations(self, request: Request) -> Response:
        """The one webhook destination, where there is one."""
        settings = self.account.settings
        if not settings.webhook_url:
            return _listed([])
        row: dict[str, Any] = {
            "id": "2000000000000000001",
            "type": "webhook",
            "url": settings.webhook_url,
            "active": settings.destination_active,
        }
        if settings.destination_events is not None:
            row["event_types"] = settings.destination_events
        return _listed([row])

    def events(self, request: Request) -> Response:
        """Deliveries, newest first; they name nobody. `cursor` is where the next page begins."""
        start = whole_number(request, "cursor", 0)
        limit = min(whole_number(request, "limit", PER_PAGE), PER_PAGE) or PER_PAGE
        attempts = [self._event(attempt) for attempt in reversed(self._attempts(request.args.get("user_id", "")))]
        outcome = request.args.get("outcome")
        if outcome:
            attempts = [event for event in attempts if _delivered(event) is (outcome == "delivered")]
        page = attempts[start : start + limit]
        more = start + limit < len(attempts)
        return json_response({"data": page, "has_more": more, "next_cursor": str(start + limit) if more else None})

    def resend(self, request: Request) -> Response:
        """Deliver an event again."""
        sent = json_object(request)
        if missing := [name for name in ("user_id", "event_id", "event_type") if not isinstance(sent.get(name), str)]:
            raise BadRequest(f"{missing[0]} is missing")
        found = [each for each in self._attempts(sent["user_id"]) if each["trace_id"] == sent["event_id"]]
        if not found:
            raise NotFound("event not found")
        resent = {"event_id": sent["event_id"], "event_type": sent["event_type"], "dispatched": True}
        return self.webhook_sender.send_after(json_response(resent, 202), [found[-1]["body"]])

    def _attempts(self, user_id: str) -> list[dict[str, Any]]:
        """The attempts at delivery that the log keeps, oldest first; of one connection where it is named."""
        attempts = [{**each, "body": _read(each["body"])} for each in self.account.store.deliveries(MOST_ATTEMPTS)]
        return [each for each in attempts if not user_id or _user_id(each["body"]) == user_id]

    def _event(self, attempt: dict[str, Any]) -> dict[str, Any]:
        user = attempt["body"].get("user") or attempt["body"].get("new_user") or {}
        return {
            "event_id": attempt["trace_id"],
            "sent_at": attempt["at"],
            "data_type": attempt["type"],
            "provider": str(user.get("provider", "")).lower(),
            "destination_type": "webhook",
            "http_status": attempt["status"],
            "response_time_ms": 10,
            "bytes": len(str(attempt["body"])),
        }

    def _expires_at(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.account.settings.admin_token_days)

    def _known(self, handler: Handler) -> Handler:
        """The handler, for who sends the token while it lives. Dev id and API key open nothing here."""

        def guarded(request: Request, **arguments: Any) -> Response:
            sent = request.headers.get("Authorization", "")
            known = compare_digest(sent.encode(), f"Bearer {self.token}".encode())
            if not known or self._expires_at() < datetime.now(UTC):
                raise Unauthorized("missing, wrong or expired token")
            return handler(request, **arguments)

        return guarded

    def _of_environment(self, scope: str, handler: Handler) -> Handler:
        def guarded(request: Request, dev_id: str, **arguments: Any) -> Response:
            if scope not in self.account.settings.admin_scopes:
                raise Forbidden(f"the token lacks the scope {scope}")
            if dev_id != self.dev_id:
                refusal = NotFound("no such environment")
                refusal.admin_code = "dev_id_not_found"  # type: ignore[attr-defined]
                raise refusal
            return handler(request, **arguments)

        return guarded


def _listed(rows: list[dict[str, Any]]) -> Response:
    return json_response({"data": rows, "has_more": False, "next_cursor": None})


def _delivered(event: dict[str, Any]) -> bool:
    status = event["http_status"]
    return status is not None and 200 <= status < 300


def _read(body: str) -> dict[str, Any]:
    """The body that the log kept; empty where it was too long for it."""
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _user_id(body: dict[str, Any]) -> str | None:
    user = body.get("user") or body.get("new_user") or {}
    return user.get("user_id") if isinstance(user, dict) else None
