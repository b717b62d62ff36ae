"""One box for everything: e-mail address, ids of person, connection and link, words of a name, filters.

What was typed never stands in a URL: it is sent by POST, kept in the session, and shown under a key. One hit opens its
page at once.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from scopes.admin.healths import verdicts_of
from scopes.admin.navigation import SEARCH
from scopes.admin.site import ACT, desk
from scopes.judge import lookup, search_filters
from scopes.judge.search import by_source_id, by_start_of_id, by_words, find_people, typed, unclaimed_with_reference
from scopes.judge.search_filters import UnknownValue, Wanted
from scopes.models import Connection, Person, ReauthLink, Verdict
from scopes.models.person import FOR_SEARCH

PAGE = 25
LONGEST = 300
REMEMBERED = 10
FRESH_SECONDS = 5


@dataclass(slots=True)
class Hits:
    """What was found. `after` is where the next page begins, if there is one.

    `more_ids`: more ids begin like this than are shown. `unknown` is a filter's value that nothing can have.
    """

    people: list[Person] = field(default_factory=list)
    unclaimed: list[Connection] = field(default_factory=list)
    links: list[ReauthLink] = field(default_factory=list)
    after: int | None = None
    more_ids: bool = False
    unknown: UnknownValue | None = None

    @property
    def any(self) -> bool:
        """Whether anything was found."""
        return bool(self.people or self.unclaimed or self.links)

    @property
    def only(self) -> str:
        """The address of the one page that was found; empty when there is none or more than one."""
        if self.after is not None or len(self.people) + len(self.unclaimed) + len(self.links) != 1:
            return ""
        if self.people:
            return reverse("admin:person", args=[self.people[0].pk])
        if self.unclaimed:
            return reverse("admin:connection", args=[self.unclaimed[0].pk])
        return reverse("admin:link", args=[self.links[0].public_id])


def find(words: str, after: int = 0) -> Hits:
    """What is meant by `words`: by filters, an exact id or address, else by words, and by the beginning of an id."""
    wanted = search_filters.read(words)
    if wanted.filters:
        return _filtered(wanted, after)
    by_id = by_source_id(words)
    owners = [row.person_id for row in by_id if row.person_id is not None]
    people = {person.pk: person for person in find_people(words)}
    people |= {person.pk: person for person in _people(owners)}
    unclaimed = unclaimed_with_reference(words) or [row for row in by_id if row.person_id is None]
    hits = Hits(list(people.values()), unclaimed, list(_links().filter(public_id=words)))
    if hits.any:
        return hits
    hits = _page(by_words(words, after, PAGE + 1))
    if not after:
        _add_by_start_of_id(hits, words)
    return hits


def _page(people: list[Person]) -> Hits:
    return Hits(people[:PAGE], after=people[PAGE - 1].pk if len(people) > PAGE else None)


def _add_by_start_of_id(hits: Hits, words: str) -> None:
    people, connections, links = by_start_of_id(words, PAGE + 1)
    hits.more_ids = len(connections) > PAGE or len(links) > PAGE or (len(people) > PAGE and not hits.people)
    found = {person.pk: person for person in hits.people}
    owners = [row.person_id for row in connections[:PAGE] if row.person_id is not None]
    for person in (*(() if hits.people else people[:PAGE]), *_people(owners)):
        found.setdefault(person.pk, person)
    hits.people = list(found.values())
    hits.unclaimed = sorted((row for row in connections[:PAGE] if row.person_id is None), key=lambda row: row.pk)
    hits.links = list(_links().filter(pk__in=[link.pk for link in links[:PAGE]]))


def _filtered(wanted: Wanted, after: int) -> Hits:
    """The people with all the words and a connection that the filters leave; without words, unclaimed ones too."""
    try:
        standings = search_filters.standings_of(wanted.filters)
    except UnknownValue as unknown:
        return Hits(unknown=unknown)
    if wanted.words:
        return _page(by_words(wanted.words, after, PAGE + 1, standings))
    rows = list(lookup.page(standings, after, PAGE + 1))
    people = {row.person.pk: row.person for row in rows[:PAGE] if row.person is not None}
    return Hits(
        list(people.values()),
        [row for row in rows[:PAGE] if row.person is None],
        after=rows[PAGE - 1].pk if len(rows) > PAGE else None,
    )


def _people(pks: list[int]) -> list[Person]:
    return list(Person.objects.filter(pk__in=pks).defer(*FOR_SEARCH).order_by("pk")) if pks else []


def _links() -> QuerySet[ReauthLink]:
    links = ReauthLink.objects.select_related("person", "integration__provider").order_by("pk")
    return links.defer("secret_hash", "earlier_secret_hashes", *lookup.NOT_LISTED)


@dataclass(frozen=True, slots=True)
class Hit:
    """One person with their connections, as the list of hits shows them."""

    person: Person
    connections: list[tuple[Connection, Verdict | None]]


def with_healths(people: list[Person]) -> list[Hit]:
    """The people with the health of each connection, in two queries."""
    connections = list(
        Connection.objects.filter(Q(person__in=[person.pk for person in people]), merged_into__isnull=True)
        .select_related("integration__provider", "integration__source")
        .defer(*lookup.NOT_LISTED_OF_PROVIDER)
        .order_by("pk")
    )
    judged = verdicts_of(connections)
    return [
        Hit(person, [(row, judged.get(row.pk)) for row in connections if row.person_id == person.pk])
        for person in people
    ]


@desk.screen("search/", "search", SEARCH, methods=ACT, takes_any_input=True)
def search(request: HttpRequest) -> HttpResponseBase:
    """POST: open the one hit, or show the hits under a key. GET with a key: show them, page by page."""
    if request.method == "POST":
        words = request.POST.get("words", "").replace("\x00", "").strip()
        too_long = len(words) > LONGEST
        if too_long or not (words := typed(words)):
            return desk.page(request, "admin/search.html", gettext("People"), too_long=too_long)
        hits = find(words)
        if hits.only:
            return redirect(hits.only)
        return redirect(f"{reverse('admin:search')}?found={_remember(request, words, hits)}")
    words = request.session.get("searches", {}).get(request.GET.get("found", ""), "")
    if not words:
        return desk.page(request, "admin/search.html", gettext("People"), forgotten="found" in request.GET)
    after = request.GET.get("after", "")
    just_found = _just_found(request) if not after else None
    hits = just_found or find(words, int(after) if after.isdecimal() and len(after) < 18 else 0)
    return desk.page(
        request,
        "admin/search.html",
        gettext("People"),
        words=words,
        found_any=hits.any,
        hits=with_healths(hits.people),
        unclaimed=[(row, judged) for row, judged in _judged(hits.unclaimed)],
        links=hits.links,
        more_ids=hits.more_ids,
        unknown=hits.unknown,
        after=hits.after,
        found=request.GET["found"],
        paged=bool(after),
    )


def _judged(connections: list[Connection]) -> list[tuple[Connection, Verdict | None]]:
    rows = list(
        Connection.objects.filter(pk__in=[row.pk for row in connections])
        .select_related("integration__provider", "integration__source")
        .defer(*lookup.NOT_LISTED_OF_PROVIDER)
        .order_by("pk")
    )
    judged = verdicts_of(rows)
    return [(row, judged.get(row.pk)) for row in rows]


def _remember(request: HttpRequest, words: str, hits: Hits) -> str:
    """A key under which the session keeps `words`, one of the last few: two tabs do not mix.

    The ids of what was found are kept too, so that the page that follows need not search again.
    """
    key = secrets.token_urlsafe(6)
    kept = dict(list(request.session.get("searches", {}).items())[-REMEMBERED + 1 :])
    request.session["searches"] = {**kept, key: words}
    if hits.unknown is None:
        request.session["just_found"] = {
            "key": key,
            "at": time.time(),
            "people": [person.pk for person in hits.people],
            "unclaimed": [row.pk for row in hits.unclaimed],
            "links": [link.pk for link in hits.links],
            "after": hits.after,
            "more_ids": hits.more_ids,
        }
    return key


def _just_found(request: HttpRequest) -> Hits | None:
    """What the search that led to this page found; None once that is no longer fresh."""
    found = request.session.get("just_found", {})
    if found.get("key") != request.GET["found"] or not 0 <= time.time() - found["at"] <= FRESH_SECONDS:
        return None
    people = {person.pk: person for person in _people(found["people"])}
    return Hits(
        [people[pk] for pk in found["people"] if pk in people],
        list(Connection.objects.filter(pk__in=found["unclaimed"])) if found["unclaimed"] else [],
        list(_links().filter(pk__in=found["links"])) if found["links"] else [],
        found["after"],
        found["more_ids"],
    )
