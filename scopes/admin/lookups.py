"""What every list and form of Django's takes from its address: the filters that it offers, and nothing else.

Django filters by any lookup in the query string (`?body__regex=…`), sorts by any column and counts facets: each a way
to read what is not shown, or to keep the database busy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR, SEARCH_VAR, ChangeList
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.translation import gettext

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

PRESERVED = "_changelist_filters"
LONGEST_SEARCH = 200
# What a screen takes; portal.request_checks answers every other method with 405.
READ = ("GET", "HEAD")

type View = Callable[..., Any]


def takes(*methods: str) -> Callable[[View], View]:
    """Say which methods a view takes."""

    def marked(view: View) -> View:
        vars(view)["methods"] = methods
        return view

    return marked


class OfferedFilters(ChangeList):
    """A list by the filters that it offers. Raises BadRequest where the address names anything else."""

    def get_filters(self, request: HttpRequest) -> Any:
        try:
            filters = super().get_filters(request)
        except IncorrectLookupParameters as error:
            raise BadRequest(gettext("This list has no such filter.")) from error
        if filters[2]:  # what no filter has taken
            raise BadRequest(gettext("This list has no such filter."))
        return filters


class Listed(ModelAdmin):
    """A list whose address can say no more than its page offers. Raises BadRequest for everything else."""

    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return OfferedFilters

    @takes(*READ)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        not_offered = set(IGNORED_PARAMS) - ({SEARCH_VAR} if self.search_fields else set())
        reported_by_an_error = ERROR_FLAG in request.GET and len(request.GET) > 1
        if (
            reported_by_an_error
            or not_offered & set(request.GET)
            or any(len(values) > 1 for _, values in request.GET.lists())
            or len(request.GET.get(SEARCH_VAR, "")) > LONGEST_SEARCH
        ):
            raise BadRequest(gettext("This list does not offer that filter."))
        return super().changelist_view(request, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        _no_more_than(request, {PRESERVED})
        return super().changeform_view(request, object_id, form_url, extra_context)

    @takes(*READ)
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        _no_more_than(request, {PRESERVED, PAGE_VAR})
        return super().history_view(request, object_id, extra_context)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        _no_more_than(request, {PRESERVED})
        return super().delete_view(request, object_id, extra_context)


def _no_more_than(request: HttpRequest, names: set[str]) -> None:
    """No values for a form, no other key to find a record by, no popup."""
    if set(request.GET) - names or {IS_POPUP_VAR, TO_FIELD_VAR} & set(request.POST):
        raise BadRequest(gettext("This page takes no values from its address."))
