"""What each screen of the desk costs the server, with each of its filters, and each kind of search.

Through gunicorn with 2 workers, DEBUG off, over a population with all that the desk shows around it. A request is sent
once the one before is answered.
"""

from __future__ import annotations

import gzip
import http
import http.client
import logging
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle, islice
from statistics import median
from urllib.parse import urlencode

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from benchmarks import desk_records, desk_screens, searches
from benchmarks.measured import HEADER
from benchmarks.population import START, populate, vacuum
from benchmarks.recording import Row, timed
from benchmarks.served import THREADS, WORKERS, served
from scopes import flow
from scopes.facts import PersonKnown
from scopes.migrations._roles import grant
from scopes.roles import ROLES, permissions_of

STANDINGS = 5_000
WARM_UP = 2 * WORKERS * THREADS
GOAL_MILLISECONDS = 100
TOKEN = "b" * 32
BATCH, WRITTEN = 1_000, 20_000
STYLES = ("tokens.css", "frame.css", "parts.css", "person.css", "front.css")


@dataclass(slots=True)
class Costs:
    """What the requests for one screen took: milliseconds, those of CPU, queries, and bytes over the wire."""

    taken: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    queries: int = 0
    size: int = 0

    @property
    def slow(self) -> float:
        """The 95th percentile of the server's time."""
        return _at(self.taken, 0.95)

    def __str__(self) -> str:
        return (
            f"p50 {_at(self.taken, 0.5):.0f} ms, p95 {self.slow:.0f} ms, CPU {_at(self.worked, 0.5):.0f} and"
            f" {_at(self.worked, 0.95):.0f} ms, {self.queries} queries, {self.size / 1000:.1f} KB"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: what the server says that it took, where it leads to, and its content."""

    milliseconds: float
    cpu: float
    queries: int
    location: str
    size: int
    page: str


class NotShown(Exception):
    """The page leads elsewhere, or is refused, so that there is nothing to measure."""


class Browser:
    """Sends requests as an agent who is signed in."""

    def __init__(self, port: int, agent: User) -> None:
        client = Client()
        client.force_login(agent)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.port = port
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}",
            "X-CSRFToken": TOKEN,
            "Accept-Encoding": "gzip",
        }

    def get(self, address: str) -> Answer:
        """The page. Raises NotShown for any other answer."""
        answer = self._send("GET", address)
        if answer.location:
            raise NotShown(f"leads to {answer.location}")
        return answer

    def search(self, words: str) -> list[Answer]:
        """The search, and the list of hits, if it leads to one."""
        answers = [self._send("POST", reverse("admin:search"), {"words": words})]
        if "found=" in answers[0].location:
            answers.append(self.get(answers[0].location))
        return answers

    def _send(self, method: str, address: str, form: dict[str, str] | None = None) -> Answer:
        # On a connection of its own, so that any of the workers answers.
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as line:
            kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
            line.request(method, address, urlencode(form) if form else None, {**self.headers, **kind})
            response = line.getresponse()
            body = response.read()
        if response.status not in (http.HTTPStatus.OK, http.HTTPStatus.FOUND):
            raise NotShown(f"{method} {address} was answered with {response.status}")
        milliseconds, cpu, queries = response.headers[HEADER].split()
        page = gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body
        where = response.headers.get("Location", "")
        return Answer(float(milliseconds), float(cpu), int(queries), where, len(body), page.decode())


def run(connections: int, requests: int) -> list[Row]:
    """Rows of (screen, figures) at that many people with a connection each, from so many requests a screen."""
    logging.disable()
    filling = _populate(connections)
    agent, root = _agents()
    desk_records.fill(agent, timezone.now())
    vacuum()
    costs: dict[str, Costs] = {}
    left_out: dict[str, str] = {}
    with served({}, "benchmarks.measured") as port:
        for name, kind in _kinds(Browser(port, agent), Browser(port, root), connections):
            try:
                costs[name] = _measured(kind, requests)
            except NotShown as why:
                left_out[name] = str(why)
            print(f"{name}: {costs.get(name) or left_out[name]}", flush=True)
    slow = sorted((cost.slow, name) for name, cost in costs.items() if cost.slow > GOAL_MILLISECONDS)
    return [
        *((name, str(cost)) for name, cost in costs.items()),
        *((name, f"not measured: {why}") for name, why in left_out.items()),
        (f"above {GOAL_MILLISECONDS} ms at p95", f"{len(slow)} of {len(costs)}"),
        *((f"  {name}", f"{milliseconds:.0f} ms") for milliseconds, name in reversed(slow)),
        _export(agent),
        _styles(),
        filling,
        *_recorded(),
    ]


type Kind = tuple[Browser, Sequence[str], bool]
"""Who opens what: addresses, or words to search where the last is true."""


def _kinds(browser: Browser, root: Browser, connections: int) -> Iterator[tuple[str, Kind]]:
    screens = desk_screens.screens()
    screens |= desk_screens.led_to(browser.get(address).page for address in desk_screens.people_in_trouble())
    for name, addresses in screens.items():
        # Agents are managed by administrators alone.
        who = root if name.startswith("auth_") else browser
        yield name, (who, addresses, False)
        if len(addresses) == 1 or name == "campaign_people":
            first = addresses[0].partition("?")[0]
            try:
                shown = who.get(addresses[0]).page
            except NotShown:
                continue
            for parameters, filtered in desk_screens.choices(first, shown).items():
                yield f"{name}, by {parameters} ({len(filtered)})", (who, filtered, False)
    yield f"person, with {desk_records.MANY} connections", (browser, [desk_screens.person_with_most()], False)
    for what, addresses in desk_screens.combined().items():
        yield f"connections, {what}", (browser, addresses, False)
    for what, typed in searches.kinds(connections).items():
        yield f"search: {what}", (browser, typed, True)


def _measured(kind: Kind, requests: int) -> Costs:
    browser, places, is_search = kind
    costs = Costs()
    if not places:
        raise NotShown("there is no record for it")
    for turn, place in enumerate(islice(cycle(places), min(WARM_UP, requests) + requests)):
        answers = browser.search(place) if is_search else [browser.get(place)]
        if turn >= min(WARM_UP, requests):
            costs.taken.append(sum(one.milliseconds for one in answers))
            costs.worked.append(sum(one.cpu for one in answers))
            costs.queries = max(costs.queries, sum(one.queries for one in answers))
            costs.size = max(costs.size, sum(one.size for one in answers))
    return costs


def _at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _populate(connections: int) -> Row:
    populate(connections, STANDINGS, name=searches.name_of(connections))
    filling, filled = timed(flow.fill_name_grams)
    return f"n-grams of {filled:,} names, filled in batches", f"{filled / filling:,.0f}/s"


def _agents() -> tuple[User, User]:
    """An agent with every role, and an administrator."""
    grant(apps, {role: permissions_of(role) for role in ROLES})  # emptying the tables took the roles with it
    agent = User.objects.create(username="bench", is_staff=True)
    agent.groups.set(Group.objects.all())
    return agent, User.objects.create(username="root", is_staff=True, is_superuser=True)


def _export(agent: User) -> Row:
    """All connections as a CSV file: how long it takes, and by how much memory grows meanwhile."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(agent)
    lines, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used, began = time.process_time(), time.perf_counter()
    for part in client.post(reverse("admin:export_connections"), {"reason": "to measure"}):
        lines += part.count(b"\n")
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figures = f"{lines - 1:,} lines, {seconds:.1f} s, {cpu:.1f} s of CPU in Python, {grown:.0f} MB more memory"
    return "all connections as a CSV file", figures


def _styles() -> Row:
    weight = 0
    for path in [finders.find(f"desk/{name}") for name in STYLES]:
        if isinstance(path, str):
            with open(path, "rb") as file:  # noqa: PTH123
                weight += len(gzip.compress(file.read()))
    return "the desk's style sheets, compressed, once", f"{weight / 1000:.1f} KB"


def _recorded() -> list[Row]:
    """How many people a second the host's report records: new ones, renamed ones, the same ones."""
    rows = []
    for what, more in (("new", ""), ("renamed", " Junior"), ("unchanged", " Junior")):
        known = [
            PersonKnown(
                f"late-{n}", f"late{n}@example.com", f"{searches.FIRST[n % len(searches.FIRST)]} {surname}{more}"
            )
            for n, surname in enumerate(islice(cycle(searches.SURNAMES), WRITTEN))
        ]
        batches = [known[start : start + BATCH] for start in range(0, WRITTEN, BATCH)]
        took = [timed(lambda batch=batch: flow.take_in_people(batch, START))[0] for batch in batches]  # type: ignore[misc]
        figures = f"{WRITTEN / sum(took):,.0f}/s, {median(took) * 1000:.0f} ms a batch"
        rows.append((f"people recorded, {what}, {BATCH:,} at once", figures))
    return rows
