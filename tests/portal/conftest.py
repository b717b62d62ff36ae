"""What the tests of how it is run share."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator

import pytest
from django.conf import settings

from portal import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The lines of production's log."""
    logging.config.dictConfig(logs.configuration(machine_readable=True))
    console = logging.getHandlerByName("console")
    assert isinstance(console, logging.StreamHandler)
    written = io.StringIO()
    console.setStream(written)
    yield written
    logging.config.dictConfig(settings.LOGGING)
