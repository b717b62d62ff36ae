"""What the desk's pages cost over a million people: queries, server time, weight over the wire."""

from __future__ import annotations

import gzip
import logging
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.urls import reverse

from benchmarks.recording import Row, timed
from scopes.models import Connection, Person

Page = Callable[[], Any]
TIMES = 9
MANY = 12


def run() -> list[Row]:
    """Rows of (page, queries, server time, weight); the person pages with 1 and with 12 connections."""
    logging.disable()
    agent, _ = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(SERVER_NAME="localhost")
    client.force_login(agent)
    one, (many, held) = Person.objects.order_by("pk")[0], _with_many()
    of_one: dict[str, int | str] = {"integration": one.connections.get().integration_id}
    front, search, listed = reverse("admin:index"), reverse("admin:search"), reverse("admin:connections")

    def words(text: str) -> Page:
        return lambda: client.post(search, {"words": text}, follow=True)

    pages: dict[str, Page] = {
        "home": lambda: client.get(front),
        "search an e-mail address, to the person's page": words(one.email),
        "search a Terra id, to the person's page": words(one.connections.get().user_id),
        "search a rare name, to the person's page": words(f"Person {one.pk}"),
        "search a name that all have, first page": words("person"),
        "search what nobody has": words("nobody at all"),
        "person with 1 connection": lambda: client.get(reverse("admin:person", args=[one.pk])),
        f"person with {held} connections": lambda: client.get(reverse("admin:person", args=[many.pk])),
        "connections, unfiltered": lambda: client.get(listed),
        "connections, blocked": lambda: client.get(listed, {"health": "blocked"}),
        "connections, newest first": lambda: client.get(listed, {"order": "newest"}),
        "connections of a provider, by consent": lambda: client.get(listed, {**of_one, "order": "last_consent"}),
        "blocked connections of a provider, by consent": lambda: client.get(
            listed, {**of_one, "health": "blocked", "order": "first_consent"}
        ),
    }
    return [(f"page: {name}", _cost(page)) for name, page in pages.items()] + [_export(client), _assets()]


def _export(client: Client) -> Row:
    """All connections as a CSV file: how long it takes, and by how much memory grows meanwhile."""
    lines, before = 0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    for part in client.post(reverse("admin:export_connections"), {"reason": "to measure"}):
        lines += part.count(b"\n")
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return "all connections as a CSV file", f"{lines - 1:,} lines, {seconds:.1f} s, {grown:.0f} MB more memory"


def _with_many() -> tuple[Person, int]:
    """The last person, to whom up to eleven others' connections are given, and how many there are then."""
    first, person = Person.objects.order_by("pk")[0], Person.objects.order_by("-pk")[0]
    free = Connection.objects.filter(merged_into__isnull=True).exclude(person__in=(first, person))
    Connection.objects.filter(pk__in=[row.pk for row in free.order_by("-pk")[: MANY - 1]]).update(person=person)
    return person, person.connections.count()


def _cost(page: Page) -> str:
    page()
    queries: list[str] = []

    def noted(execute: Callable[..., object], sql: str, *rest: object) -> object:
        queries.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(noted):
        response = page()
    if response.status_code != 200:
        raise SystemExit(f"A page answered {response.status_code}")
    seconds = median(timed(page)[0] for _ in range(TIMES))
    return f"{len(queries)} queries, {seconds * 1000:.0f} ms, {len(gzip.compress(response.content)) / 1000:.1f} KB"


def _assets() -> Row:
    found = [
        finders.find(f"desk/{name}") for name in ("tokens.css", "frame.css", "parts.css", "person.css", "front.css")
    ]
    weight = 0
    for path in found:
        if isinstance(path, str):
            with open(path, "rb") as file:  # noqa: PTH123
                weight += len(gzip.compress(file.read()))
    return "the desk's style sheets, compressed, once", f"{weight / 1000:.1f} KB"
