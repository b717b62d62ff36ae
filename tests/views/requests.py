"""A request to the webhook with the WSGI environ of a test."""

from __future__ import annotations

from io import BytesIO

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from scopes.views import webhook
from tests.views.conftest import NOW, SECRETS, signature


def send(
    content: bytes | BytesIO, *, signed: bytes | None = None, terminated: bool = False, **environ: str
) -> HttpResponse:
    """The answer to a request with this WSGI `environ`."""
    stream = content if isinstance(content, BytesIO) else BytesIO(content)
    body = stream.getvalue() if signed is None else signed
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/hooks/terra/production/",
            "wsgi.input": stream,
            "wsgi.input_terminated": terminated,
            "HTTP_X_TERRA_SIGNATURE": signature(SECRETS["production"], body, NOW),
            **environ,
        }
    )
    return webhook.receive_event(request, "terra", "production")
