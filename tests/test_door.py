"""A marked view stays the same view, and its attributes set how the middleware treats it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from scopes.door import door


def test_a_marked_view_stays_itself_and_has_its_marks() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("here")

    marked = door(methods=("GET",), work="page")(view)

    assert marked is view
    assert vars(marked) == {"methods": ("GET",), "work": "page"}
