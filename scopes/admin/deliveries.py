"""Webhooks as they were received, and the act of processing one again."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.act_page import Why, act_page
from scopes.admin.read_only import Records, choice
from scopes.admin.site import ACT, desk
from scopes.admin.tags import chip, pretty, when
from scopes.models import Delivery
from scopes.models.trail import Act
from scopes.models.transactions import in_transaction
from scopes.sync import deliveries

_STATES = [
    ("done", _("Processed")),
    ("failed", _("Failed")),
    ("given_up", _("Failed (no more retries)")),
    ("unknown_id", _("Waiting for its connection")),
    ("waiting", _("Waiting")),
]
_TRACES = [("reused", _("Trace id reused"))]
_WHICH = {
    "done": Q(processed_at__isnull=False, error=""),
    "failed": ~Q(error=""),
    "given_up": Q(given_up_at__isnull=False),
    "unknown_id": ~Q(waits_for=[]),
    "waiting": Q(processed_at__isnull=True, error="", waits_for=[]),
}


@admin.register(Delivery, site=desk)
class Deliveries(Records):
    """The list of deliveries. Its body is shown to those who may read it."""

    heading = _("Deliveries")
    explanation = _("Every webhook as received, newest first. Health data is never stored.")
    list_display = ("number", "kind", "source", "received", "state", "repeats", "attempts", "reused")
    list_select_related = ("source",)
    list_filter = (
        choice(_("state"), "state", _STATES, lambda rows, state: rows.filter(_WHICH[state])),
        choice(_("trace id"), "trace", _TRACES, lambda rows, _state: rows.filter(trace_reused=True)),
        "source",
        "stale",
    )
    fields = (
        "kind", "source", "received", "signed", "ordered", "lateness", "processed", "state", "error", "attempts",
        "repeats", "trace", "given_up",
    )  # fmt: skip
    change_form_template = "admin/delivery.html"

    def get_fields(self, request: HttpRequest, obj: Delivery | None = None) -> tuple[str, ...]:
        return (*self.fields, "content") if request.user.has_perm("scopes.read_delivery_body") else self.fields

    @admin.display(description=_("Delivery"))
    def number(self, row: Delivery) -> str:
        return f"{row.pk}"

    @admin.display(description=_("Trace id"))
    def reused(self, row: Delivery) -> SafeString | str:
        return chip(gettext("Trace id reused"), "warn", "alert") if row.trace_reused else ""

    @admin.display(description=_("Received"))
    def received(self, row: Delivery) -> SafeString:
        return when(row.received_at)

    @admin.display(description=_("Signed"))
    def signed(self, row: Delivery) -> SafeString:
        return when(row.signed_at)

    @admin.display(description=_("Event time"))
    def ordered(self, row: Delivery) -> SafeString:
        return when(row.ordered_at)

    @admin.display(description=_("Late"))
    def lateness(self, row: Delivery) -> str:
        return gettext("Yes") if row.stale else gettext("No")

    @admin.display(description=_("Processed"))
    def processed(self, row: Delivery) -> SafeString:
        return when(row.processed_at, gettext("not yet"))

    @admin.display(description=_("State"))
    def state(self, row: Delivery) -> SafeString:
        if row.given_up_at:
            return chip(gettext("Failed (no more retries)"), "bad", "cross")
        if row.error:
            return chip(gettext("Failed"), "bad", "cross")
        if row.waits_for:
            return chip(gettext("Waiting for its connection"), "wait", "clock")
        return (
            chip(gettext("Processed"), "good", "check")
            if row.processed_at
            else chip(gettext("Waiting"), "wait", "clock")
        )

    @admin.display(description=_("Trace id"))
    def trace(self, row: Delivery) -> str:
        reused = (
            gettext(" (reused: an earlier delivery with this trace id had another body)") if row.trace_reused else ""
        )
        return f"{row.trace_id or '–'}{reused}"

    @admin.display(description=_("Given up"))
    def given_up(self, row: Delivery) -> SafeString:
        return when(row.given_up_at, "no")

    @admin.display(description=_("Content"))
    def content(self, row: Delivery) -> SafeString:
        return format_html('<pre tabindex="0">{}</pre>', pretty(row.body))


@desk.screen(
    "deliveries/<int:pk>/replay/", "replay_delivery", "scopes.view_delivery", "scopes.replay_delivery", methods=ACT
)
def replay(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what will happen; by POST, process the delivery again, with an entry in the trail."""
    delivery = get_object_or_404(Delivery.objects.select_related("source"), pk=pk)
    form = Why(request.POST or None)
    if request.method == "POST" and form.is_valid():
        result = _process(delivery, form.act_of(request))
        if result is deliveries.DeliveryResult.PROCESSED:
            messages.success(request, gettext("Delivery %(pk)s was processed.") % {"pk": pk})
        elif result is deliveries.DeliveryResult.WAITING:
            messages.warning(
                request,
                gettext("Delivery %(pk)s names an unknown id. It is applied when the id becomes known.") % {"pk": pk},
            )
        else:
            messages.error(request, gettext("Delivery %(pk)s could not be processed. See its error.") % {"pk": pk})
        return redirect("admin:scopes_delivery_change", pk)
    before = gettext("It was not processed yet.")
    if delivery.processed_at:
        at = f"{delivery.processed_at:%-d %b %Y, %H:%M}"
        before = gettext("It was processed before on %(at)s UTC.") % {"at": at}
    return act_page(
        request,
        gettext("Reprocess delivery %(pk)s") % {"pk": pk},
        about=gettext("Delivery %(pk)s") % {"pk": pk},
        back=reverse("admin:scopes_delivery_change", args=[pk]),
        will=[
            gettext("Delivery %(pk)s (`%(kind)s`) is processed as if it had just arrived.")
            % {"pk": pk, "kind": delivery.kind},
            before,
            gettext("Newer information is never overwritten, and nothing is recorded twice."),
            *([gettext("Last error: %(error)s") % {"error": delivery.error}] if delivery.error else []),
        ],
        form=form,
        submit=gettext("Reprocess"),
    )


@in_transaction
def _process(delivery: Delivery, act: Act) -> deliveries.DeliveryResult:
    now = timezone.now()
    result = deliveries.process(delivery.pk, now, again=True)
    act.entry(
        "delivery.replayed",
        now,
        subject=f"delivery {delivery.pk}",
        detail={"result": result.value},
    ).save()
    return result
