"""People: the host reports them."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from scopes import flow
from scopes.api import reports
from scopes.api.keys import Permission, allows
from scopes.api.problems import Problem
from scopes.facts import OriginKind
from scopes.intake.recording.people import TooManyPlans
from scopes.intake.reports import people

router = Router(tags=["People"])

FIELDS = {
    "reference_id": "your key of the person; required",
    "email": "the e-mail address",
    "name": "the full name",
    "locale": "the language, such as `de` or `pt-BR`",
    "plan": "a short key of the tier or cohort; at most 50 different ones",
}


@router.put(
    "people",
    auth=allows(Permission.WRITE_PEOPLE),
    response=reports.Taken,
    summary="Report people",
    openapi_extra=reports.batch("people", FIELDS, {"reference_id": "ref-ada", "email": "ada@example.com"}),
)
def report_people(request: HttpRequest) -> reports.Taken:
    """Up to 1,000 people. Each row is all that is known of a person: a field that it leaves out becomes empty."""
    known, refused = people.read(reports.reported_rows(request, "people"))
    try:
        recorded = flow.take_in_people(known, timezone.now(), OriginKind.API)
    except TooManyPlans as error:
        raise Problem(422, "too_many_plans", str(error)) from None
    return reports.Taken(
        new=recorded.new, changed=recorded.changed, unchanged=recorded.unchanged, refused=reports.refused(refused)
    )
