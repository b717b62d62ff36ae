"""The site of the desk: its screens with their permissions, its navigation, sign-in and home page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scopes import access_log
from scopes.admin import navigation, page_views
from scopes.admin.lookups import READ, Listed
from scopes.admin.refused import refusal
from scopes.admin.sign_in import SignInForm
from scopes.models.person import loaded_people
from scopes.models.trail import Act

type View = Callable[..., HttpResponseBase]

# Of a screen that acts: shown by GET, done by POST.
ACT = (*READ, "POST")
# Pages of Django that none of ours leads to, and its home page, in whose place is ours.
NOT_OURS = ("index", "autocomplete", "jsi18n", "view_on_site", "app_list")


class Desk(admin.AdminSite):
    """Django's admin site with our screens, under the names that agents use."""

    site_header = site_title = _("Scope desk")
    site_url = None
    empty_value_display = "—"
    enable_nav_sidebar = False
    login_form = SignInForm

    def __init__(self) -> None:
        super().__init__()
        self.screens: dict[str, URLPattern] = {}
        self.disable_action("delete_selected")

    def screen(
        self, route: str, name: str, *permissions: str, methods: tuple[str, ...] = READ, **marks: object
    ) -> Callable[[View], View]:
        """Put a view at `route` under the admin, for who holds all of `permissions`. Reverse it as `admin:name`.

        `marks` are for the portal's middleware: `work` (see portal.statement_limits), `takes_any_input` (see
        portal.request_checks) and `shows_secret` (see portal.compression).
        """

        def put(view: View) -> View:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                if not request.user.has_perms(permissions):
                    raise refusal(permissions)
                return view(request, *args, **kwargs)

            vars(guarded).update(methods=methods, permissions=permissions, **marks)
            self.screens[name] = path(route, self.admin_view(guarded), name=name)
            return guarded

        return put

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Django's, for lists that accept the filters that they offer and nothing else."""
        if not (isinstance(admin_class, type) and issubclass(admin_class, Listed)):
            raise TypeError(f"{admin_class} is no Listed: its addresses would take any filter.")
        super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: View, cacheable: bool = False) -> Any:
        """Django's, and whom the page shows is written down, by whatever screen and method."""

        @wraps(view)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with loaded_people() as loaded:
                response = view(request, *args, **kwargs)
                if isinstance(response, TemplateResponse):
                    response.render()
            if loaded and isinstance(response, HttpResponse) and isinstance(request.user, User):
                shown = page_views.shown_in(response.text, loaded.values())
                page = request.resolver_match.view_name if request.resolver_match else request.path
                access_log.note_shown(Act(request.user), page, shown, timezone.now())
            return response

        return super().admin_view(noted, cacheable)

    def page(
        self, request: HttpRequest, template: str, title: str, *, http_status: int = 200, **context: Any
    ) -> TemplateResponse:
        """A page in the look of the desk; `title` is its heading and stands in the browser's tab."""
        request.current_app = self.name
        context = {**self.each_context(request), "title": title, **context}
        return TemplateResponse(request, template, context, status=http_status)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        djangos = [url for url in super().get_urls() if getattr(url, "name", None) not in NOT_OURS]
        return [*self.screens.values(), *djangos]

    def each_context(self, request: Any) -> dict[str, Any]:
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "navigation": navigation.for_(request),
            "may_search": request.user.has_perm(navigation.SEARCH),
        }

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        _forget_strange_next(request)
        return super().login(request, extra_context)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        _forget_strange_next(request)
        return super().logout(request, extra_context)


def _forget_strange_next(request: HttpRequest) -> None:
    """Take out where to go afterwards, unless it is a page of the desk: then it is the home page."""
    for sent in ("GET", "POST"):
        values = getattr(request, sent)
        if REDIRECT_FIELD_NAME in values and not _is_ours(values[REDIRECT_FIELD_NAME]):
            values = values.copy()
            del values[REDIRECT_FIELD_NAME]
            setattr(request, sent, values)
    request.META["QUERY_STRING"] = request.GET.urlencode()  # signing out leads to its own address without it


def _is_ours(address: str) -> bool:
    try:
        parts = urlsplit(address)
        match = resolve(parts.path)
    except (ValueError, Http404):
        return False
    return (
        address.startswith(reverse("admin:index"))
        and bool(match.url_name)
        and match.url_name not in ("login", "logout")
        and "GET" in getattr(match.func, "methods", ACT)
    )


desk = Desk()
