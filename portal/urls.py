"""The URLs, and the handlers of 400, 404 and 500."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotFound, JsonResponse
from django.template.loader import render_to_string
from django.urls import include, path

handler500 = "portal.database_outage.failed"
API = "/api/"
urlpatterns = [
    path("", include("scopes.urls")),
]


# Django's own read the form that came with a request, and fail where it cannot be read.


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a bad request; of the API problem details (RFC 9457), as all its errors are."""
    if request.path.startswith(API):
        problem = {"type": "about:blank", "title": "Bad Request", "status": 400, "code": "bad_request"}
        detail = {"detail": "The call cannot be read."}
        return JsonResponse(problem | detail, status=400, content_type="application/problem+json")
    return HttpResponseBadRequest(render_to_string("400.html"))


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for an unknown address."""
    return HttpResponseNotFound(render_to_string("404.html"))
