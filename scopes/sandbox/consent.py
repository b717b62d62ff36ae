"""The pages of a consent session: choose a provider, tick boxes, allow or refuse, be redirected."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.exceptions import BadRequest, Gone, NotFound
from werkzeug.routing import Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from scopes.catalogue.entries import Known, Provider
from scopes.sandbox import pages
from scopes.sandbox.account import Account, ConsentOutcome
from scopes.sandbox.store import Session
from scopes.sandbox.webhook_sender import WebhookSender

# Screens that come with empty boxes; on the others, what is asked for is ticked already.
ALL_UNTICKED = {"fitbit", "google_fit", "google_health"}
UNTICKED = {"garmin": {"HISTORICAL_DATA_EXPORT"}}


class Consent:
    """The pages that a link of the account leads to."""

    def __init__(self, account: Account, webhook_sender: WebhookSender) -> None:
        self.account = account
        self.webhook_sender = webhook_sender

    def rules(self) -> Iterator[Rule]:
        for path in ("/connect/<session_id>", "/widget/session/<session_id>"):
            yield Rule(path, methods=["GET"], endpoint=self.show)
            yield Rule(path, methods=["POST"], endpoint=self.decide)
        yield Rule("/session/success", methods=["GET"], endpoint=self.succeeded)
        yield Rule("/session/failure", methods=["GET"], endpoint=self.failed)
        yield Rule("/sandbox.css", methods=["GET"], endpoint=self.style)

    def show(self, request: Request, session_id: str) -> Response:
        """The choice of a provider, or the consent screen. Changes nothing."""
        session = self._session(session_id)
        if session.provider is None:
            named = map(self.account.resources.find, session.providers)
            return pages.choice(provider for provider in named if provider)
        provider = self._provider(session.provider)
        requested = self.account.requested(provider)
        fixed = provider.can_untick is Known.NO
        return pages.consent(
            provider, requested, [scope.name for scope in requested if _ticked(provider, scope.name)], fixed
        )

    def decide(self, request: Request, session_id: str) -> Response:
        """Handles the chosen provider or the decision."""
        session = self._session(session_id)
        if session.provider is None:
            return self._choose(session, request.form.get("provider", ""))
        self._provider(session.provider)
        decision = request.form.get("decision")
        if decision == "allow":
            return self._redirect(self.account.grant(session, set(request.form.getlist("scope"))))
        if decision == "refuse":
            return self._redirect(self.account.refuse(session))
        raise BadRequest("Press Allow or Refuse.")

    def succeeded(self, request: Request) -> Response:
        return pages.message("Connected", "You can close this window.")

    def failed(self, request: Request) -> Response:
        return pages.message("Not connected", "Nothing was connected. You can close this window.")

    def style(self, request: Request) -> Response:
        return pages.style()

    def _session(self, session_id: str) -> Session:
        session = self.account.store.session(session_id)
        if session is None:
            raise NotFound("There is no such link. Ask for a new one.")
        if session.outcome:
            raise Gone("This link has been used already. Ask for a new one.")
        if self.account.expired(session):
            raise Gone("This link has expired. Ask for a new one.")
        return session

    def _provider(self, name: str) -> Provider:
        provider = self.account.resources.find(name)
        assert provider is not None
        if self.account.has_shut_down(provider):
            raise Gone(f"{provider.name} has switched this service off: nothing can be connected here any more.")
        return provider

    def _choose(self, session: Session, name: str) -> Response:
        if name not in session.providers:
            raise BadRequest("Choose one of the providers.")
        provider = self.account.resources.find(name)
        if provider and provider.on_device:
            return redirect(
                _with(session.success_url, user_id="null", reference_id=session.reference_id, resource=name), 303
            )
        chosen = self.account.choose(session, name)
        return redirect(f"/connect/{chosen.session_id}", 303)

    def _redirect(self, ending: ConsentOutcome | None) -> Response:
        """Redirects to the application with Terra's parameters, then sends the events."""
        if ending is None:
            raise Gone("This link has been used already. Ask for a new one.")
        session = ending.session
        known = {"user_id": session.user_id, "reference_id": session.reference_id, "resource": session.provider}
        if ending.reason:
            url = _with(session.failure_url, **known, reason=ending.reason)
        else:
            url = _with(session.success_url, **known)
        return self.webhook_sender.send_after(redirect(url, 303), ending.events)


def _ticked(provider: Provider, scope: str) -> bool:
    return provider.slug not in ALL_UNTICKED and scope not in UNTICKED.get(provider.slug, ())


def _with(url: str, **parameters: str | None) -> str:
    """The address with the parameters behind those that it has; what is not known is the word null, as at Terra."""
    parts = urlsplit(url)
    added = [(name, "null" if value is None else value) for name, value in parameters.items()]
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query, keep_blank_values=True), *added])))
