"""Picture every screen of the demo, in light and dark, 1280 and 390 pixels wide; or the pictures of the documentation.

`make screenshots` fills var/screenshots, `make screenshots ARGS=docs` makes the pictures in docs/ anew. Either runs a
demo of its own, on a database that is dropped afterwards.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import django
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from portal import database, demo
from portal.demo import Demo
from portal.embedded_postgres import CHECKOUT
from tests import chromium

SCREENSHOTS = CHECKOUT / "var" / "screenshots"
DOCS = CHECKOUT / "docs"
WIDTHS = (1280, 390)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHT = 900
IN_DOCS = 1100


def every_screen(shown: Demo, browser: Browser) -> int:
    """Picture all screens as the administrator; the exit code. What has no record in the demo is named."""
    from tests.admin.every_screen import SCREENS, NoRecord, address

    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    page = signed_in(browser, shown, "administrator", IN_DOCS)
    without, broken = [], []
    for screen in SCREENS:
        try:
            way = address(screen)
        except NoRecord as missing:
            without.append(f"{screen} ({missing})")
            continue
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            answer = page.goto(way)
            if answer is None or not answer.ok:
                broken.append(f"{screen}: {way}")
                break
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                page.screenshot(path=SCREENSHOTS / f"{screen}-{width}-{theme}.png", full_page=True)
    print(f"{len(SCREENS) - len(without) - len(broken)} screens are pictured in {SCREENSHOTS}.")
    if without:
        print(f"The demo has no record for: {', '.join(without)}")
    if broken:
        print(f"Not answered: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


@dataclass(frozen=True)
class Picture:
    """One picture of the documentation: as whom, how to get there, and what of the page is shown."""

    name: str
    role: str
    go: Callable[[Page], Locator | None]
    width: int = IN_DOCS


def ben(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("searchbox").fill("ben@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Ben Brandt", level=1).wait_for()


def person_page(page: Page) -> None:
    ben(page)


def search(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_role("searchbox").fill("missing:heartrate plan:plus")
    page.keyboard.press("Enter")


def card(page: Page) -> Locator:
    ben(page)
    return page.get_by_role("region", name="Oura").first


def link(page: Page) -> None:
    ben(page)
    page.get_by_role("region", name="Oura").first.get_by_role("link", name="Send a reauth link").click()
    page.get_by_label("Reason").fill("Recovery is empty; asked on the phone.")
    page.get_by_role("button", name="Create link").click()
    address = page.get_by_label("Link", exact=True)
    address.evaluate("one => { one.value = one.value.replace(/[^/]+$/, '…'); }")
    message = page.get_by_label("Reply to paste")
    message.evaluate("one => { one.value = one.value.replace(/(\\/r\\/[^/]+\\/)\\S+/, '$1…'); }")


def queue(page: Page) -> None:
    page.goto("/admin/connections/")
    page.get_by_text("Health", exact=True).first.click()
    page.get_by_role("link", name=re.compile("^Blocked")).click()
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()


def campaign(page: Page) -> None:
    page.goto("/admin/campaigns/")
    page.get_by_role("link", name=re.compile("^Garmin")).click()


def preview(page: Page) -> Locator:
    page.goto("/admin/campaigns/")
    page.get_by_role("link", name=re.compile("^Oura")).click()
    return page.get_by_role("region", name="What people read")


def reply(page: Page) -> Locator:
    page.goto("/admin/")
    page.get_by_role("searchbox").fill("eve@example.com")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile("^Reply to paste")).first.click()
    return page.locator("details.reply").first


def notes(page: Page) -> Locator:
    ben(page)
    return page.get_by_role("region", name="Notes")


def escalations(page: Page) -> None:
    page.goto("/admin/escalations/")


PICTURES = (
    Picture("person-page", "lead", person_page, 1400),
    Picture("agents-search", "agent", search),
    Picture("agents-card", "agent", card),
    Picture("agents-queue", "agent", queue),
    Picture("agents-campaign", "lead", campaign),
    Picture("agents-preview", "lead", preview),
    Picture("agents-reply", "agent", reply),
    Picture("agents-notes", "agent", notes),
    Picture("agents-escalations", "agent", escalations),
    Picture("agents-link", "agent", link),
)


def documentation(shown: Demo, browser: Browser) -> int:
    """Picture what the documentation shows; the exit code."""
    for picture in PICTURES:
        page = signed_in(browser, shown, picture.role, picture.width)
        found = picture.go(page)
        path = DOCS / f"{picture.name}.png"
        if found is not None:
            found.screenshot(path=path)
        else:
            page.screenshot(path=path)
        print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size // 1024} KB")
        page.context.close()
    return 0


def signed_in(browser: Browser, shown: Demo, name: str, width: int) -> Page:
    """A page in which that agent of the demo is signed in."""
    page = browser.new_context(base_url=shown.desk, viewport={"width": width, "height": HEIGHT}).new_page()
    page.goto("/admin/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(shown.agents[name])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Find a person").wait_for()
    return page


def main(arguments: Sequence[str]) -> int:
    """Make the pictures; the exit code."""
    if arguments not in ([], ["docs"]):
        print(__doc__, file=sys.stderr)
        return 2
    if chromium.PROGRAM is None:
        print("No Chromium was found. On Debian: apt-get install chromium", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, database.leave)
    with database.made() as url, TemporaryDirectory() as home, demo.running_demo(url, Path(home), serve=True) as shown:
        os.environ |= database.trial(url) | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright runs an event loop in this thread
        django.setup()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.PROGRAM, args=chromium.ARGUMENTS)
            make = documentation if arguments else every_screen
            return make(shown, browser)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
