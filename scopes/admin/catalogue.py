"""The catalogue: the providers, and what is known of each scope."""

from __future__ import annotations

from datetime import date

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.admin.read_only import Records
from scopes.admin.site import desk
from scopes.admin.tags import chip, dated, retirement
from scopes.catalogue.entries import Known
from scopes.catalogue.entries import Provider as Entry
from scopes.catalogue.oauth import AccountFrom, Consents, Ends
from scopes.models import Provider

CONSENTS = {
    Consents.ADD: _("A further consent adds to the grant."),
    Consents.REPLACE: _("A further consent replaces the grant."),
    Consents.UNKNOWN: _("Not known whether a further consent adds to the grant or replaces it."),
}
ENDS = {
    Ends.TOKEN: _("Revoking ends one token."),
    Ends.GRANT: _("Revoking ends the account’s whole grant."),
    Ends.UNKNOWN: _("Not known what revoking ends."),
}
KNOWN = {Known.YES: _("Yes"), Known.NO: _("No"), Known.UNKNOWN: _("Not known")}


@admin.register(Provider, site=desk)
class Catalogue(Records):
    """The list of providers."""

    heading = _("Catalogue")
    explanation = _("The known providers and their scopes. To change them, edit the catalogue files.")
    list_display = ("name", "scopes_known", "reports_scopes", "state", "proved")
    list_filter = ("on_device", "confirmed", "in_catalogue")
    ordering = ("name",)
    fields = (
        "name", "slug", "state", "succeeded_by", "retirement_read", "reports_scopes", "may_untick", "needs_approval",
        "advice", "scopes_reported", "unknown", "direct", "notes", "sources", "proved",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        rows: QuerySet[Provider] = super().get_queryset(request)
        return rows.select_related("successor").annotate(how_many=Count("scopes"))

    @admin.display(description=_("Scopes"))
    def scopes_known(self, row: Provider) -> int:
        return row.how_many  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=_("Reports granted scopes"))
    def reports_scopes(self, row: Provider) -> str:
        return str(KNOWN[_entry(row).reports_scopes])

    @admin.display(description=_("State"))
    def state(self, row: Provider) -> SafeString | str:
        if row.retired_on:
            return retirement(row.retired_on)
        return (
            chip(gettext("Permissions set on the phone"), "quiet")
            if row.on_device
            else chip(gettext("Active"), "good", "check")
        )

    @admin.display(description=_("Successor"))
    def succeeded_by(self, row: Provider) -> str:
        return row.successor.name if row.successor else "—"

    @admin.display(description=_("Shutdown and successor read at"))
    def retirement_read(self, row: Provider) -> SafeString | str:
        sources = _entry(row).retirement_sources
        return format_html("<ul>{}</ul>", _addresses(sources)) if sources else "—"

    @admin.display(description=_("People can untick scopes"))
    def may_untick(self, row: Provider) -> str:
        return str(KNOWN[_entry(row).can_untick])

    @admin.display(description=_("Scopes need approval"))
    def needs_approval(self, row: Provider) -> str:
        return str(KNOWN[_entry(row).console_approval])

    @admin.display(description=_("Advice for people"))
    def advice(self, row: Provider) -> str:
        return dict(_entry(row).advice).get("en", "—")

    @admin.display(description=_("Scopes"))
    def scopes_reported(self, row: Provider) -> SafeString | str:
        entry = _entry(row)
        rows = format_html_join(
            "",
            "<li><code>{}</code> {}{}{}</li>",
            (
                (
                    scope.name,
                    scope.label,
                    gettext(" (also %(aliases)s)") % {"aliases": ", ".join(scope.aliases)} if scope.aliases else "",
                    format_html(" {}", chip("mandatory", "warn")) if scope.mandatory else mark_safe(""),
                )
                for scope in entry.scopes
            ),
        )
        return format_html('<ul class="scopes">{}</ul>', rows) if entry.scopes else gettext("None known.")

    @admin.display(description=_("Reported, not in the catalogue"))
    def unknown(self, row: Provider) -> SafeString | str:
        names = row.unknown_scopes.order_by("name").values_list("name", flat=True)[:200]
        return format_html_join(" ", "<code>{}</code>", ((name,) for name in names)) or gettext("None.")

    @admin.display(description=_("As our own OAuth client"))
    def direct(self, row: Provider) -> SafeString | str:
        oauth = _entry(row).oauth
        if oauth is None:
            return gettext("Not described.")
        lines = [
            gettext("Consent screen: %(address)s") % {"address": oauth.authorization_endpoint},
            CONSENTS[oauth.consents],
            ENDS[oauth.revocation.ends] if oauth.revocation else gettext("Tokens can’t be revoked."),
            gettext("Whose account it is can’t be checked.") if oauth.account.at is AccountFrom.NOWHERE else "",
            gettext("Some scopes need an administrator’s consent.") if oauth.admin_consent else "",
            gettext("Not confirmed: %(keys)s") % {"keys": ", ".join(oauth.unconfirmed)} if oauth.unconfirmed else "",
        ]
        known = format_html_join("", "<li>{}</li>", ((line,) for line in lines if line))
        return format_html("<ul>{}{}</ul>", known, _addresses(oauth.sources))

    @admin.display(description=_("Confirmed"))
    def proved(self, row: Provider) -> SafeString:
        return chip(gettext("Yes"), "good", "check") if row.confirmed else chip(gettext("Unconfirmed"), "warn", "dash")

    @admin.display(description=_("Notes"))
    def notes(self, row: Provider) -> str:
        return _entry(row).notes or "—"

    @admin.display(description=_("Sources"))
    def sources(self, row: Provider) -> SafeString:
        return format_html("<ul>{}</ul>", _addresses(_entry(row).sources))


def _addresses(sources: tuple[tuple[str, date], ...]) -> SafeString:
    """An item for each address that was read, with the day."""
    return format_html_join(
        "",
        '<li><a href="{0}" rel="noreferrer">{0}</a>, read {1}</li>',
        ((address, dated(day)) for address, day in sources),
    )


def _entry(row: Provider) -> Entry:
    return Entry.from_data(row.entry)
