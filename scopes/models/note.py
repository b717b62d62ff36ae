"""What agents write down about a person for each other."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scopes.models.person import Person


class Note(models.Model):
    """A text about a person, by an agent. It is never changed; whoever wrote it, or a lead, may remove it."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="notes", db_index=False)
    text = models.TextField()
    author = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("write_note", "Can write a note about a person, and remove it"),
            ("remove_note", "Can remove the notes of others"),
        ]
        constraints = [models.CheckConstraint(condition=~Q(text="") & ~Q(author=""), name="note_says_what_and_by_whom")]
        indexes = [models.Index(fields=["person", "-created_at"], name="note_by_person")]

    def __str__(self) -> str:
        return f"note {self.pk} about person {self.person_id}"
