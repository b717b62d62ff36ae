"""What the demo's people do with the links in their mails, by requests alone, as their browsers would."""

from __future__ import annotations

import json
import re
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import requests

SECONDS = 10
BETWEEN = b"\n" + b"-" * 79 + b"\n"  # as Django's file backend writes after each mail
LINK = re.compile(r"https?://\S+/r/([\w-]+)/[\w-]+")
BOX = re.compile(r'name="scope" value="([^"]+)"')


def answer(mails: Path, plan: Path) -> int:
    """Do with each link what `plan` says of it: nothing, open, press, consent, or leave out what it asks for; how many.

    `plan` is {public id: {"way": …, "needs": [scope, …]}}, and is deleted afterwards.
    """
    if not plan.exists():
        return 0
    ways = json.loads(plan.read_text())
    links = {link[1]: link[0] for path in mails.glob("*.log") for link in LINK.finditer(_texts(path))}
    for public_id, said in ways.items():
        if public_id in links and said["way"] != "nothing":
            _follow(links[public_id], said["way"], set(said["needs"]))
    plan.unlink()
    return len(ways)


def _texts(path: Path) -> str:
    mails = [message_from_bytes(one, policy=policy.default) for one in path.read_bytes().split(BETWEEN)[:-1]]
    return "\n".join(map(_text, mails))


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return body.get_content() if body is not None else ""


def _follow(link: str, way: str, needs: set[str]) -> None:
    with requests.Session() as browser:
        browser.trust_env = False
        browser.get(link, timeout=SECONDS).raise_for_status()
        if way == "open":
            return
        screen = browser.post(link, timeout=SECONDS)
        screen.raise_for_status()
        if way == "press":
            return
        left_out = needs if way == "leave out" else set()
        ticked = [box for box in BOX.findall(screen.text) if box not in left_out]
        result = browser.post(screen.url, data={"decision": "allow", "scope": ticked}, timeout=SECONDS)
        deadline = time.monotonic() + SECONDS
        while "Refresh" in result.headers and time.monotonic() < deadline:
            time.sleep(0.2)
            result = browser.get(result.url, timeout=SECONDS)
