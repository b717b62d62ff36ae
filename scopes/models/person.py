"""People, the waivers of their needs, and their do-not-contact marks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Lower, Upper

_loaded: ContextVar[dict[int, Person] | None] = ContextVar("loaded people", default=None)
FOR_SEARCH = ("search", "name_grams", "grams_of")
"""Columns that only the search reads."""
WITHOUT_NAME_GRAMS = ~Q(grams_of=F("name"))
PUNCTUATION = r"""[][!"#$%&'()*+,./:;<=>?@\\^_`{|}~-]+"""


class Person(models.Model):
    """An end user of the host application, which owns every field here. Not a Django user.

    `previously_erased_on` is ours: the day on which an earlier record of this reference id was erased here.
    `search` has the words of name, e-mail address and reference id as they are written, `name_grams` those of the name
    without accents, and the n-grams inside them (see `models.name_grams`). `grams_of` is the name that they are of: a
    row whose name is another one awaits them.
    """

    reference_id = models.CharField(max_length=255, unique=True)
    email = models.CharField(max_length=254, blank=True)
    name = models.CharField(max_length=200, blank=True)
    locale = models.CharField(max_length=20, blank=True)
    plan = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField()
    previously_erased_on = models.DateField(null=True, blank=True)
    search = models.GeneratedField(
        expression=Func(
            Func(
                Concat("name", Value(" "), "email", Value(" "), "reference_id"),
                Value(PUNCTUATION),
                Value(" "),
                Value("g"),
                function="regexp_replace",
            ),
            function="to_tsvector",
            template="%(function)s('simple'::regconfig, %(expressions)s)",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    # Of one collation, in which comparing is fast.
    name_grams = ArrayField(models.TextField(db_collation="C"), null=True)
    grams_of = models.CharField(max_length=200, null=True)  # noqa: DJ001 - null: never made; the name may be empty

    class Meta:
        permissions = [
            ("export_person", "Can export a person's data"),
            ("erase_person", "Can erase a person"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(reference_id=""), name="person_has_a_reference_id"),
            models.CheckConstraint(condition=Q(email=Lower(F("email"))), name="person_email_is_lower_case"),
        ]
        indexes = [
            models.Index(Upper("reference_id"), name="person_by_id_in_case"),
            models.Index(fields=["email"], condition=~Q(email=""), name="person_by_email"),
            GinIndex(fields=["search"], name="person_by_words"),
            GinIndex(fields=["name_grams"], name="person_by_name_grams"),
            models.Index(fields=["id"], condition=WITHOUT_NAME_GRAMS, name="person_without_name_grams"),
        ]

    def __str__(self) -> str:
        return self.name or f"person {self.pk}"

    @classmethod
    def from_db(cls, *args: Any, fetch_mode: Any = None) -> Self:
        person = super().from_db(*args, fetch_mode=fetch_mode)
        loaded = _loaded.get()
        if loaded is not None:
            loaded[person.pk] = person
        return person


@contextmanager
def loaded_people() -> Iterator[dict[int, Person]]:
    """Collects the people, by id, whose rows are read within the block: the access log needs to know them."""
    people: dict[int, Person] = {}
    before = _loaded.set(people)
    try:
        yield people
    finally:
        _loaded.reset(before)


class Waiver(models.Model):
    """A person declined one need of one connection; respected up to and including `until`."""

    connection = models.ForeignKey("scopes.Connection", models.CASCADE, related_name="waivers")
    need = models.CharField(max_length=400)
    until = models.DateField()
    reason = models.TextField()
    ticket = models.CharField(max_length=120, blank=True)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        permissions = [("waive", "Can waive a scope that a person declined, and end a waiver")]
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "need"], condition=Q(ended_at__isnull=True), name="one_open_waiver_per_need"
            ),
            models.CheckConstraint(condition=~Q(need="") & ~Q(reason=""), name="waiver_says_what_and_why"),
        ]
        indexes = [models.Index(fields=["until"], condition=Q(ended_at__isnull=True), name="waiver_open")]

    def __str__(self) -> str:
        return f"{self.need} until {self.until}"


class DontContact(models.Model):
    """A person must not be sent links: up to and including `until`, or until somebody lifts the mark."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="dont_contact")
    until = models.DateField(null=True, blank=True)
    reason = models.TextField()
    ticket = models.CharField(max_length=120, blank=True)
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "don't-contact mark"
        permissions = [
            ("set_dont_contact", "Can mark a person as not to be contacted"),
            ("lift_dont_contact", "Can allow contact again"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=Q(lifted_at__isnull=True), name="one_dont_contact_mark_per_person"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="dont_contact_says_why"),
        ]

    def __str__(self) -> str:
        return f"person {self.person_id} until {self.until or 'it is lifted'}"
