"""Lists of records, to look at: no add, no delete, no typing of facts. The same queries for 2 rows as for 50."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.functional import Promise

from scopes.admin.lookups import READ, Listed, takes
from scopes.admin.refused import refusal

PAGE = 50
NEWEST = 1000


class Newest(Paginator):  # type: ignore[type-arg]
    """Pages over the newest rows only: counting and offsets end there, so a table of millions costs no more."""

    @cached_property
    def count(self) -> int:
        """How many rows there are; at most one more than are shown."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: NEWEST + 1].count()

    @cached_property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, NEWEST) // self.per_page))


class Records(Listed):
    """A list and a page a record, read-only whoever asks. `heading` is what navigation calls the list."""

    heading: str | Promise = ""
    explanation: str | Promise = ""
    actions = None
    list_per_page = PAGE
    show_full_result_count = False
    paginator = Newest
    view_on_site = False
    change_form_template = "admin/record.html"

    @property
    def media(self) -> Media:
        """Nothing: these pages need no script."""
        return Media()

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("", self._wrapped(self.changelist_view), name=f"{name}_changelist"),
            path("<path:object_id>/", self._wrapped(self.change_view), name=f"{name}_change"),
        ]

    def _wrapped(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """`view` for those who may look."""

        @takes(*READ)
        def read_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not self.has_view_permission(request):
                raise refusal([f"{self.opts.app_label}.view_{self.opts.model_name}"])
            return view(request, *args, **kwargs)

        return self.admin_site.admin_view(read_only)

    def get_ordering(self, request: HttpRequest) -> Any:
        """Newest first, unless the list says otherwise."""
        return self.ordering or ("-pk",)

    @takes(*READ)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        context = {"title": self.heading, "newest": NEWEST, **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        context = {"heading": self.heading, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def choice(
    title_: str | Promise,
    parameter: str,
    choices: Sequence[tuple[str, str | Promise]],
    apply: Callable[[Any, str], Any],
) -> Any:
    """A filter with fixed choices: it costs no query of its own."""

    class Choice(admin.SimpleListFilter):
        title = title_  # type: ignore[assignment]
        parameter_name = parameter

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            return choices

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            value = self.value()
            return apply(queryset, value) if value in dict(choices) else queryset

    return Choice
