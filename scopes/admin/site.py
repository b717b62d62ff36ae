"""The site of the desk: its screens with their permissions, its navigation, sign-in and front page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from scopes.admin import navigation
from scopes.admin.sign_in import SignInForm

type View = Callable[..., HttpResponseBase]


class Desk(admin.AdminSite):
    """Django's admin site with our screens, under the names that agents use."""

    site_header = site_title = "Scope desk"
    site_url = None
    enable_nav_sidebar = False
    login_form = SignInForm
    index_template = "admin/front.html"

    def __init__(self) -> None:
        super().__init__()
        self.screens: dict[str, URLPattern] = {}
        self.front: Callable[[HttpRequest], dict[str, Any]] = lambda request: {}
        self.disable_action("delete_selected")

    def screen(self, route: str, name: str, *permissions: str) -> Callable[[View], View]:
        """Put a view at `route` under the admin, for who holds all of `permissions`. Reverse it as `admin:name`."""

        def put(view: View) -> View:
            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                if not request.user.has_perms(permissions):
                    raise PermissionDenied
                return view(request, *args, **kwargs)

            self.screens[name] = path(route, self.admin_view(guarded), name=name)
            return guarded

        return put

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        """A page in the look of the desk; `title` is its heading and stands in the browser's tab."""
        request.current_app = self.name
        return TemplateResponse(request, template, {**self.each_context(request), "title": title, **context})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [*self.screens.values(), *super().get_urls()]

    def each_context(self, request: Any) -> dict[str, Any]:
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "navigation": navigation.for_(request),
            "may_search": request.user.has_perm(navigation.SEARCH),
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return self.page(request, "admin/front.html", "Front page", **self.front(request), **(extra_context or {}))

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> TemplateResponse:
        """The front page too: nobody here thinks in apps."""
        return self.index(request)


desk = Desk()
