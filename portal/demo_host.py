"""The demo's host application: the sample of the documentation, with a key of the API and an endpoint for events."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from portal.embedded_postgres import CHECKOUT

EXAMPLES = CHECKOUT / "docs" / "examples"
POLICIES = EXAMPLES / "host_policies.yaml"

# Its key and endpoint are made at the first run, and are those of later ones; its port may be another each time.
GIVE_ACCESS = """
import json, os
from pathlib import Path
from django.conf import settings
from django.utils import timezone
from scopes import api_keys
from scopes.intake.files.upload import source_of
from scopes.models import ApiKey, Endpoint
from scopes.models.trail import Act
from scopes.outbox import endpoints, signing
path, url = Path(os.environ["DEMO_HOST_ACCESS"]), os.environ["ORIGIN"] + "/webhooks"
act, now, source = Act(None, "The demo's own.", by="demo"), timezone.now(), source_of("host:app")()
whole = json.loads(path.read_text())["KEY"] if path.exists() else ""
if not ApiKey.objects.filter(public_id__in=whole.split("_")[1:2], revoked_at=None).exists():
    wanted = api_keys.NewKey("Host application", list(ApiKey.Permission), [source], 600, None)
    whole = api_keys.make(wanted, act, now).whole
secret, own = signing.keys_from(settings.SECRET_KEY)[0], Endpoint.objects.filter(name="Host application")
if not own.update(url=url):
    endpoints.make("Host application", url, act, secret, now, sources=[source], loopback=True)
path.touch(mode=0o600)
path.write_text(json.dumps({"KEY": whole, "WEBHOOK_SECRET": signing.secret_of(own.get(), secret)}))
print(f"It reports by the API, and events go to {url}")
"""
STEPS: Mapping[str, tuple[object, ...]] = {
    "Give the host application a key and an endpoint": ("shell", "--no-imports", "--command", GIVE_ACCESS),
    "Publish what it needs where it keeps the tokens itself": ("publish_policies", POLICIES, "--apply"),
}


def variables(port: int, home: Path) -> dict[str, str]:
    """What the portal has to know of the application at that port."""
    address = f"http://127.0.0.1:{port}"
    return {
        "EVENTS_TO_LOOPBACK": "true",
        "HOST_SOURCES": "app",
        "HOST_APP_LINK_URL": f"{address}/connect/{{provider}}",
        "HOST_APP_SIGNING_SECRETS": secrets.token_urlsafe(32),
        "ORIGIN": address,
        "DEMO_HOST_ACCESS": str(home / "host-access.json"),
    }


def program(keys: Mapping[str, str], portal: str, server: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command line of the application in that server, and its environment, once the steps gave it access.

    It is loaded, and so has reported everything, before the server says its address.
    """
    access = json.loads(Path(keys["DEMO_HOST_ACCESS"]).read_text())
    command = [*server, "--preload", "--chdir", str(EXAMPLES), "host:application()"]
    return command, {**keys, **access, "PORTAL": portal}
