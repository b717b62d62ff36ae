"""Links of the cast: their addresses, and what pressing them sends."""

from __future__ import annotations

from typing import Any

from django.test import Client
from pytest_httpserver import HTTPServer

from scopes.models import Attempt
from scopes.reauth.issue import Issued

AUTH_URL = "https://provider.example/authorize?scope=heartrate&state=1"


def address(issued: Issued) -> str:
    return f"/r/{issued.link.public_id}/{issued.secret}"


def pressed(client: Client, issued: Issued) -> Attempt:
    """The attempt that pressing the button made."""
    assert client.post(address(issued)).status_code == 303
    return Attempt.objects.latest("pk")


def body_sent(terra: HTTPServer) -> dict[str, Any]:
    sent: dict[str, Any] = terra.log[-1][0].get_json()
    return sent
