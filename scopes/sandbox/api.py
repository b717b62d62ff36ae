"""Terra's API for connections: list, look up, end, and the supported providers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from werkzeug.exceptions import BadRequest, Gone, HTTPException, NotFound
from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from scopes.sandbox.account import Account
from scopes.sandbox.auth_events import user_object
from scopes.sandbox.credentials import BASES, Credentials
from scopes.sandbox.faults import HTML_500
from scopes.sandbox.grants import terra_name
from scopes.sandbox.json_http import compact_json, json_body, json_response, whole_number
from scopes.sandbox.people import Connection
from scopes.sandbox.webhook_sender import WebhookSender

PER_PAGE = 500
DATA_TYPES = ("activity", "body", "nutrition", "daily", "sleep", "menstruation")


class Api:
    """The API of one account, which gives out links below `url`."""

    def __init__(self, account: Account, webhook_sender: WebhookSender, credentials: Credentials, url: str) -> None:
        self.account = account
        self.webhook_sender = webhook_sender
        self.credentials = credentials
        self.url = url

    def rules(self) -> Iterator[Rule]:
        """Every path and method, with the handler as its endpoint."""
        closed = self.credentials.require
        for base in BASES:
            for path, method, handler in (
                ("subscriptions", "GET", closed(self.subscriptions)),
                ("userInfo", "GET", closed(self.user_info)),
                ("bulkUserInfo", "POST", closed(self.bulk_user_info)),
                ("athlete", "GET", closed(self.athlete)),
                ("auth/deauthenticateUser", "DELETE", closed(self.deauthenticate_user)),
                ("integrations", "GET", self.integrations),
                ("integrations/detailed", "GET", self.integrations_detailed),
            ):
                yield Rule(f"{base}/{path}", methods=[method], endpoint=handler)

    def error(self, request: Request, error: HTTPException) -> Response:
        """The error in the dialect of the moment."""
        if self.account.settings.error_dialect == "legacy":
            answer = json_response({"status": "error", "message": error.description}, error.code or 500)
        else:
            problem = {
                "type": "about:blank",
                "title": error.name.lower(),
                "instance": request.full_path.rstrip("?"),
                "detail": error.description,
            }
            answer = json_response(problem, error.code or 500)
            answer.mimetype = "application/problem+json"
        for name, value in error.get_headers():
            if name == "Retry-After":
                answer.headers[name] = value
        return answer

    # Connections

    def subscriptions(self, request: Request, fault_kind: str = "") -> Response:
        """All connections in one answer, or one page of them where `page` is given."""
        total = self.account.count()
        if "page" not in request.args:
            return Response(self._whole_listing(), mimetype="application/json")
        page = whole_number(request, "page", 0)
        per_page = whole_number(request, "per_page", PER_PAGE)
        if not per_page:
            raise BadRequest("per_page must be at least 1")
        if fault_kind == "page_repeats":
            page = max(0, page - 1)
        elif fault_kind == "page_shrinks":
            total //= 2
        start = page * per_page
        results = self.account.connections(start, min(per_page, max(0, total - start)))
        max_page = max(0, (total - 1) // per_page)
        following = None if page >= max_page else page + 1
        if fault_kind == "page_repeats":
            following = page
        data = {"next": following, "max_page": max_page, "results": [user_object(user) for user in results]}
        return json_response({"data": data})

    def _whole_listing(self) -> Iterator[bytes]:
        yield b'{"users":['
        start = 0
        while users := self.account.connections(start, PER_PAGE):
            yield (b"," if start else b"") + b",".join(compact_json(user_object(user)) for user in users)
            start += PER_PAGE
        yield b'],"status":"success"}'

    def user_info(self, request: Request) -> Response:
        """One connection by `user_id`, or all of a `reference_id`."""
        user_id, reference_id = request.args.get("user_id"), request.args.get("reference_id")
        if (user_id is None) is (reference_id is None):
            raise BadRequest("give either user_id or reference_id")
        if reference_id is not None:
            users = [user_object(user) for user in self.account.of_reference(reference_id)]
            return json_response(users if self.account.settings.reference_lookup == "array" else {"users": users})
        assert user_id is not None
        user = self.account.find(user_id)
        if user:
            shown = user_object(user) | {
                "last_polled_at": user.last_webhook_update,
                "most_recent_data_at": user.last_webhook_update,
            }
            return json_response({"user": shown, "status": "success", "is_authenticated": True})
        session = self.account.store.session_of(user_id)
        if session is None or session.outcome:
            raise NotFound("user not found")
        unfinished = {"user_id": user_id, "provider": session.provider, "reference_id": session.reference_id}
        return json_response({"user": unfinished, "status": "success", "is_authenticated": False})

    def bulk_user_info(self, request: Request) -> Response:
        """Those of the ids that exist; the others are left out."""
        ids = json_body(request)
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise BadRequest("the body must be an array of user ids")
        return json_response([user_object(user) for user in map(self.account.find, ids) if user])

    def deauthenticate_user(self, request: Request) -> Response:
        user = self._user(request)
        return self.webhook_sender.send_after(json_response({"status": "success"}), self.account.deauthorise(user))

    def athlete(self, request: Request) -> Response:
        """The provider's own account behind a connection: asks the provider, so it fails where access has ended."""
        user = self._user(request)
        shown = user_object(user)
        if request.args.get("to_webhook", "true").lower() != "false":
            if not self.account.settings.webhook_url:
                raise BadRequest("no webhook destination is set")
            reference = str(uuid.uuid4())
            return json_response(
                {"status": "success", "type": "athlete", "reference": reference, "trace_id": reference, "user": shown}
            )
        provider = self.account.resources.find(user.provider)
        if provider and self.account.has_shut_down(provider):
            raise Gone(f"{user.provider} has switched off its API")
        if not user.access:
            raise BadRequest("Authorization expired, please reauthorize with the data provider")
        if self._lacks_profile(user):
            return Response(HTML_500, status=500, mimetype="text/html")
        athlete = {"provider_user_id": self.account.provider_user_id(user), "first_name": None, "email": None}
        return json_response({"athlete": athlete, "type": "athlete", "user": shown})

    def _lacks_profile(self, user: Connection) -> bool:
        """Whether the provider has a scope for the profile, and this connection holds none such."""
        provider = self.account.resources.find(user.provider)
        if provider is None or user.scopes is None:
            return False
        wanted = {scope.name for scope in provider.scopes if "profile" in scope.name or scope.name == "personal"}
        return bool(wanted) and not wanted & provider.held(frozenset(user.scopes.split(",")))

    def _user(self, request: Request) -> Connection:
        user_id = request.args.get("user_id")
        if not user_id:
            raise BadRequest("user_id is missing")
        user = self.account.find(user_id)
        if user is None:
            raise NotFound("user not found")
        return user

    # Integrations

    def integrations(self, request: Request) -> Response:
        """Every source that Terra supports, whether enabled here or not."""
        web, sdk = (
            [terra_name(each) for each in self.account.providers(on_device, enabled_only=False)]
            for on_device in (False, True)
        )
        return json_response({"status": "success", "providers": web, "sdk_providers": sdk})

    def integrations_detailed(self, request: Request) -> Response:
        """The sources that are enabled here; without a dev-id, every one."""
        enabled_only = "dev-id" in request.headers
        listed = self.account.providers(enabled_only=enabled_only)
        if request.args.get("sdk", "").lower() == "true":
            listed += self.account.providers(on_device=True, enabled_only=enabled_only)
        providers = [
            {
                "provider": terra_name(each),
                "name": each.name,
                "icon": f"{self.url}/sandbox.css",
                "setup": "API_KEYS_MANAGED",
                "enabled": True,
                "types": dict.fromkeys(DATA_TYPES, True),
            }
            for each in listed
        ]
        return json_response({"status": "success", "providers": providers})
