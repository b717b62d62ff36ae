"""The form of a policy draft: plain checkboxes and a row a requirement, which works without script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scopes.catalogue.entries import Provider as Entry
from scopes.judge import content
from scopes.judge.content import PolicyError
from scopes.judge.rules import RECOMMENDED, REQUIRED

UNKNOWN, THESE = "unknown", "these"
LONGEST_NOTE = 1000
TOTAL = "needs-TOTAL_FORMS"
MOST_NEEDS = 200


@dataclass(frozen=True, slots=True)
class Box:
    """One scope in the table of checkboxes. `label` is empty where the catalogue does not know it."""

    name: str
    label: str
    mandatory: bool
    confirmed: bool
    requested: bool
    approved: bool


class DraftForm(forms.Form):
    """What is requested, what is approved, and the note."""

    requested = forms.MultipleChoiceField(required=False)
    approval = forms.ChoiceField(
        label=_("Scopes that the provider approved for our client"),
        choices=[(UNKNOWN, _("Not recorded")), (THESE, _("Those ticked under “Approved”"))],
        widget=forms.RadioSelect,
    )
    approved = forms.MultipleChoiceField(required=False)
    note = forms.CharField(
        max_length=LONGEST_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Why, for the version history."),
    )

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in ("requested", "approved"):
            self.fields[field].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class NeedForm(forms.Form):
    """One requirement. What `content.check` says of it is shown with the field that it is about."""

    feature = forms.CharField(label=_("Feature"), max_length=200)
    any_of = forms.CharField(label=_("Scopes (any one of)"), max_length=2000)
    level = forms.ChoiceField(choices=[(REQUIRED, _("Required")), (RECOMMENDED, _("Recommended"))], initial=REQUIRED)
    plans = forms.CharField(label=_("Plans (empty: all)"), max_length=2000, required=False)

    def __init__(self, *args: Any, known: set[str], provider: str, languages: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.known, self.provider, self.languages = known, provider, languages
        for code, language in languages.items():
            text = forms.CharField(
                label=gettext("Name in %(language)s") % {"language": language}, max_length=200, required=False
            )
            text.widget.attrs["lang"] = code
            self.fields[f"title_{code}"] = text
            text = forms.CharField(
                label=gettext("Reason in %(language)s") % {"language": language}, max_length=1000, required=False
            )
            text.widget.attrs["lang"] = code
            self.fields[f"why_{code}"] = text

    def main(self) -> list[forms.BoundField]:
        """The fields that are the same in every language."""
        return [self[name] for name in ("feature", "any_of", "level", "plans")]

    def texts(self) -> list[forms.BoundField]:
        """The fields of the languages."""
        return [self[f"{key}_{code}"] for code in self.languages for key in ("title", "why")]

    def clean_any_of(self) -> list[str]:
        scopes = _split(self.cleaned_data["any_of"])
        if strange := [scope for scope in scopes if scope not in self.known]:
            raise ValidationError(
                gettext("The catalogue has no scope %(strange)s for %(provider)s.")
                % {"strange": f"{strange[0]!r}", "provider": self.provider}
            )
        return scopes

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            try:
                content.check({"requirements": [self.need()]})
            except PolicyError as error:
                self.add_error(error.key if error.key in self.fields else None, _sentence(error.words))
        return self.cleaned_data

    def need(self) -> dict[str, Any]:
        """The requirement that the row says."""
        data = self.cleaned_data
        return {
            "feature": data["feature"],
            "any_of": data["any_of"],
            "level": data["level"],
            "plans": _split(data["plans"]),
            "title": {code: text for code in self.languages if (text := data[f"title_{code}"])},
            "why": {code: text for code in self.languages if (text := data[f"why_{code}"])},
        }


if TYPE_CHECKING:
    Rows = forms.BaseFormSet[NeedForm]
else:
    Rows = forms.BaseFormSet


class Needs(Rows):
    """The rows. One that is empty is passed by, one that is marked goes."""

    def needs(self) -> list[dict[str, Any]]:
        return [row.need() for row in self.forms if row.cleaned_data and row not in self.deleted_forms]

    def add_fields(self, form: NeedForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = _("Remove this requirement")


NeedRows: type[Needs] = forms.formset_factory(  # type: ignore[assignment]
    NeedForm, formset=Needs, extra=1, can_delete=True, max_num=MOST_NEEDS, absolute_max=MOST_NEEDS
)


class Editor:
    """The whole form over a content to begin with. Scopes that the catalogue no longer knows stay choosable."""

    def __init__(self, entry: Entry, base: Mapping[str, Any], data: QueryDict | None = None) -> None:
        needs = base["requirements"]
        used = [*base["requested"], *(base["approved"] or ()), *(scope for need in needs for scope in need["any_of"])]
        strange = dict.fromkeys(scope for scope in used if not entry.knows(scope))
        self.entry = entry
        # A scope is drafted in the spelling in which the policy has it.
        self.spelt = {entry.canonical(scope): scope for scope in (*base["requested"], *(base["approved"] or ()))}
        self.names = [scope.name for scope in entry.scopes] + list(strange)
        supported = dict(settings.LANGUAGES)
        used_languages = {code for need in needs for code in (*need["title"], *need["why"])}
        languages = supported | {code: code for code in sorted(used_languages - supported.keys())}
        approved = base["approved"]
        self.form = DraftForm(
            data,
            names=self.names,
            initial={
                "requested": _canonical(base["requested"], entry),
                "approval": UNKNOWN if approved is None else THESE,
                "approved": _canonical(approved or (), entry),
            },
        )
        self.rows = NeedRows(
            data,
            prefix="needs",
            initial=[_shown(need) for need in needs] if data is None else None,
            form_kwargs={"known": {*entry.names, *strange}, "provider": entry.name, "languages": languages},
        )

    def is_valid(self) -> bool:
        """Whether it can be drafted; errors are shown with the fields."""
        return all([self.form.is_valid(), self.rows.is_valid()])

    def content(self) -> dict[str, Any]:
        """The content that the form says. Raises PolicyError."""
        data = self.form.cleaned_data
        approved = self._spelt(data["approved"]) if data["approval"] == THESE else None
        return content.check(
            {"requested": self._spelt(data["requested"]), "approved": approved, "requirements": self.rows.needs()}
        )

    def _spelt(self, names: list[str]) -> list[str]:
        return [self.spelt.get(name, name) for name in names]

    def boxes(self) -> list[Box]:
        """A row a scope, in the order of the catalogue."""
        requested, approved = set(self.form["requested"].value() or ()), set(self.form["approved"].value() or ())
        boxes = []
        for name in self.names:
            scope = self.entry.by_name.get(name)
            boxes.append(
                Box(
                    name,
                    scope.label if scope else "",
                    mandatory=bool(scope and scope.mandatory),
                    confirmed=bool(scope and scope.confirmed),
                    requested=name in requested,
                    approved=name in approved,
                )
            )
        return boxes


def with_another_row(data: QueryDict) -> QueryDict:
    """What was sent, with one more empty row."""
    more = data.copy()
    rows = data.get(TOTAL, "")
    if rows.isdecimal() and len(rows) < 6:
        more[TOTAL] = str(min(int(rows) + 1, MOST_NEEDS))
    return more


def _shown(need: Mapping[str, Any]) -> dict[str, str]:
    texts = {f"{key}_{code}": text for key in ("title", "why") for code, text in need[key].items()}
    return {
        "feature": need["feature"],
        "any_of": ", ".join(need["any_of"]),
        "level": need["level"],
        "plans": ", ".join(need["plans"]),
        **texts,
    }


def _canonical(scopes: Any, entry: Entry) -> list[str]:
    return [entry.canonical(scope) for scope in scopes]


def _split(text: str) -> list[str]:
    """What stands between commas."""
    return [part for piece in text.split(",") if (part := piece.strip())]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
