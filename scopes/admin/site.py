"""The site of the desk: its screens with their permissions, its navigation, sign-in and home page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.csp import CSP, build_policy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from scopes import access_log
from scopes.admin import navigation, opening, page_views, second_factor, sign_in_log
from scopes.admin.lookups import READ, Listed
from scopes.admin.refused import refusal
from scopes.admin.sign_in import SignIn, SignInForm, forget_strange_next
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
        """Django's. A reason is asked for where one is needed, and whom the page shows is recorded."""

        @wraps(view)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if reason_first := opening.to_explain(request, timezone.now()):
                return reason_first
            try:
                with loaded_people() as loaded:
                    response = view(request, *args, **kwargs)
                    if isinstance(response, TemplateResponse):
                        response.render()
            except PermissionDenied:
                if isinstance(request.user, User):
                    sign_in_log.page_refused(request.user, _page_of(request), timezone.now())
                raise
            if loaded and isinstance(response, HttpResponse) and isinstance(request.user, User):
                shown = page_views.shown_in(response.text, loaded.values())
                access_log.note_shown(Act(request.user), _page_of(request), shown, timezone.now())
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
        # Also for whom the desk is closed until they prove a second factor.
        signing_out = path("logout/", self.logout, name="logout")
        return [signing_out, *self.screens.values(), *djangos]

    def each_context(self, request: Any) -> dict[str, Any]:
        may = self.has_permission(request)
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "has_permission": may,
            "is_popup": False,
            "navigation": navigation.for_(request) if may else [],
            "may_search": may and request.user.has_perm(navigation.SEARCH),
        }

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the desk is open to who is signed in: staff, with a second factor where one is needed."""
        return super().has_permission(request) and not second_factor.is_missing(request)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The sign-in. Who has signed in and must prove or set up a second factor is led there."""
        forget_strange_next(request)
        leads_to = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(leads_to)
        if request.method == "GET" and isinstance(request.user, User) and super().has_permission(request):
            return second_factor.way_to_prove(request.user, leads_to)
        context = {
            **self.each_context(request),
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            REDIRECT_FIELD_NAME: leads_to,
            "company": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
            **(extra_context or {}),
        }
        request.current_app = self.name
        page = SignIn.as_view(authentication_form=SignInForm, template_name="admin/login.html", extra_context=context)
        response = page(request)
        if settings.OIDC_ISSUER:
            response[CSP.HEADER_ENFORCE.value] = build_policy({**settings.SECURE_CSP, "form-action": _may_lead_to()})
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        forget_strange_next(request)
        return super().logout(request, extra_context)


def _may_lead_to() -> list[str]:
    """Where a form of the sign-in may lead: Chromium looks at redirects too, and a provider has many hosts."""
    insecure = urlsplit(settings.OIDC_ISSUER)
    on_this_machine = [f"http://{insecure.netloc}"] if insecure.scheme == "http" else []
    return [str(CSP.SELF), "https:", *on_this_machine]


def _page_of(request: HttpRequest) -> str:
    """The name of the page that was asked for."""
    return request.resolver_match.view_name if request.resolver_match else request.path


desk = Desk()
