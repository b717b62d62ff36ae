"""The address at which people reach a page of ours."""

from __future__ import annotations

from urllib.parse import urljoin

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def public_address(request: HttpRequest, view: str, *arguments: str) -> str:
    """The whole address of a view: at PORTAL_URL, else at the host that this request names."""
    return urljoin(settings.PORTAL_URL or request.build_absolute_uri("/"), reverse(view, args=arguments))


def mailed_address(view: str, *arguments: str) -> str:
    """The whole address of a view at PORTAL_URL, for a mail, which no request asks for."""
    return urljoin(settings.PORTAL_URL, reverse(view, args=arguments))
