"""What all tests share: a database that is started when the first test asks for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection

from portal import database


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> Iterator[None]:
    """A running server, and on it a database whose name no other run and no other worker has."""
    connection.settings_dict["TEST"]["NAME"] = f"test_{uuid.uuid4().hex[:12]}"
    with database.held():
        yield
