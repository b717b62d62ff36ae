"""The query of a call: it has the parameters that are offered, each once, and no other."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Schema

from scopes.api.problems import Problem


def only(request: HttpRequest, offered: type[Schema]) -> None:
    """Raises Problem for a parameter that `offered` has no field for, and for one that stands there twice."""
    for name, values in request.GET.lists():
        if name not in offered.model_fields:
            raise Problem(422, "parameter_unknown", "A parameter is not offered.", offered=sorted(offered.model_fields))
        if len(values) > 1:
            raise Problem(422, "parameter_repeated", "A parameter stands there twice.", parameter=name)
