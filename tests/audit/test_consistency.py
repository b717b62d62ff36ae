"""Records that contradict each other are found."""

from __future__ import annotations

import pytest

from scopes.models import Connection, Period
from tests import cast as people
from tests.audit.nightly import run


@pytest.mark.usefixtures("cast")
def test_records_that_contradict_each_other_are_found() -> None:
    assert "inconsistent" not in {finding["code"] for finding in run().findings}
    ada, ben = people.connection_of("ada"), people.connection_of("ben")

    Connection.objects.filter(pk=ada.pk).update(standing=ben.standing)
    Period.objects.filter(connection=ben).delete()
    findings = {finding["code"]: finding for finding in run(days=1).findings}

    assert findings["inconsistent"]["number"] == 2
    assert "connections whose open period has another standing: 1" in findings["inconsistent"]["detail"]
    assert "connections without an open period: 1" in findings["inconsistent"]["detail"]
