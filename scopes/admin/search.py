"""One box for everything: e-mail address, reference id, connection id (today's or a former one), words of a name.

What was typed never stands in a URL: it is sent by POST, kept in the session, and shown under a key. One hit opens its
page at once.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from django.db.models import F, Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from scopes.admin.healths import verdicts_of
from scopes.admin.navigation import SEARCH
from scopes.admin.site import ACT, desk
from scopes.judge.person import by_source_id, find_people, find_unclaimed
from scopes.models import Connection, Person, Verdict

PAGE = 25
NEAR = 10_000  # people among whom a word that many have is met often enough
LONGEST = 300
REMEMBERED = 10
WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Hits:
    """What was found. `after` is where the next page of people begins, if there is one."""

    people: list[Person] = field(default_factory=list)
    unclaimed: list[Connection] = field(default_factory=list)
    after: int | None = None

    @property
    def only(self) -> str:
        """The address of the one page that was found; empty when there is none or more than one."""
        if len(self.people) == 1 and not self.unclaimed and self.after is None:
            return reverse("admin:person", args=[self.people[0].pk])
        if len(self.unclaimed) == 1 and not self.people:
            return reverse("admin:connection", args=[self.unclaimed[0].pk])
        return ""


def find(words: str, after: int = 0) -> Hits:
    """Who is meant by `words`: by an exact id or address, else by words that the name, address or id begin with."""
    by_id = by_source_id(words)
    owners = [row.person_id for row in by_id if row.person_id is not None]
    people = {person.pk: person for person in find_people(words)}
    people |= {person.pk: person for person in Person.objects.filter(pk__in=owners)}
    hits = Hits(people=list(people.values()), unclaimed=find_unclaimed(words))
    return hits if hits.people or hits.unclaimed else _by_words(words, after)


def _by_words(words: str, after: int) -> Hits:
    """A page of the people with all these words, each perhaps only begun. By id, so that every page costs the same."""
    terms = " & ".join(f"'{word}':*" for word in WORD.findall(words.replace("_", " ")))
    if not terms:
        return Hits()
    rows = Person.objects.filter(pk__gt=after)
    matching = rows.extra(where=["search @@ to_tsquery('simple', %s)"], params=[terms]).defer("search")
    # What many have is met soon on the way down the ids. By the index on words all of them would be read and sorted.
    people: list[Person] = []
    if end := rows.order_by("pk").values_list("pk", flat=True)[NEAR : NEAR + 1].first():
        people = list(matching.filter(pk__lte=end).order_by("pk")[: PAGE + 1])
    if len(people) <= PAGE:
        # "+ 0": by the index on words, then sorted; never down the ids until enough of a rare word are met.
        people = list(matching.order_by(F("pk") + 0)[: PAGE + 1])
    return Hits(people=people[:PAGE], after=people[PAGE - 1].pk if len(people) > PAGE else None)


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
        if not words or len(words) > LONGEST:
            return desk.page(request, "admin/search.html", gettext("People"), too_long=len(words) > LONGEST)
        hits = find(words)
        if hits.only:
            return redirect(hits.only)
        return redirect(f"{reverse('admin:search')}?found={_remember(request, words)}")
    words = request.session.get("searches", {}).get(request.GET.get("found", ""), "")
    if not words:
        return desk.page(request, "admin/search.html", gettext("People"), forgotten="found" in request.GET)
    after = request.GET.get("after", "")
    hits = find(words, int(after) if after.isdecimal() and len(after) < 18 else 0)
    return desk.page(
        request,
        "admin/search.html",
        gettext("People"),
        words=words,
        hits=with_healths(hits.people),
        unclaimed=[(row, judged) for row, judged in _judged(hits.unclaimed)],
        after=hits.after,
        found=request.GET["found"],
        paged=bool(after),
    )


def _judged(connections: list[Connection]) -> list[tuple[Connection, Verdict | None]]:
    rows = list(
        Connection.objects.filter(pk__in=[row.pk for row in connections])
        .select_related("integration__provider", "integration__source")
        .order_by("pk")
    )
    judged = verdicts_of(rows)
    return [(row, judged.get(row.pk)) for row in rows]


def _remember(request: HttpRequest, words: str) -> str:
    """A key under which the session keeps `words`, one of the last few: two tabs do not mix."""
    key = secrets.token_urlsafe(6)
    kept = dict(list(request.session.get("searches", {}).items())[-REMEMBERED + 1 :])
    request.session["searches"] = {**kept, key: words}
    return key
