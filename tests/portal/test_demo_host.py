"""The demo's host application gets what it needs, and the portal what it has to know of it."""

from __future__ import annotations

import json
from pathlib import Path

from portal import demo_host


def test_the_application_gets_its_access_the_shared_secret_and_the_portal_s_address(tmp_path: Path) -> None:
    keys = demo_host.variables(8123, tmp_path)
    Path(keys["DEMO_HOST_ACCESS"]).write_text(json.dumps({"KEY": "sps_1_a", "WEBHOOK_SECRET": "whsec_b"}))

    command, known = demo_host.program(keys, "http://127.0.0.1:8000", ["a-server"])

    assert (command[0], command[-1]) == ("a-server", "host:application()")
    assert (known["PORTAL"], known["KEY"], known["WEBHOOK_SECRET"]) == ("http://127.0.0.1:8000", "sps_1_a", "whsec_b")
    assert known["HOST_APP_SIGNING_SECRETS"] == keys["HOST_APP_SIGNING_SECRETS"]
    assert known["ORIGIN"] == "http://127.0.0.1:8123"
    assert keys["HOST_APP_LINK_URL"] == "http://127.0.0.1:8123/connect/{provider}"
