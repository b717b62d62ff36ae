"""The settings of the tests: the portal's own, in test mode, on a database that the tests made."""

import os
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import embedded_postgres

if os.environ.get("PORTAL_MODE") == "production":
    raise ImproperlyConfigured("PORTAL_MODE is production, where nothing is tested. Unset it.")
os.environ["PORTAL_MODE"] = "test"
# Whatever it contains: only a program that a test starts gets a database, one that a test made. For all others there is
# none of this name, and pytest makes its own.
_given = urlsplit(os.environ.get("DATABASE_URL", ""))
_host = parse_qs(_given.query).get("host", [""])[0]
if not (embedded_postgres.is_embedded(_host) and _given.path.startswith("/test_")):
    os.environ["DATABASE_URL"] = embedded_postgres.named(embedded_postgres.MAIN).url("test_none")
# Playwright runs an event loop in the thread of the test.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from portal.settings import *  # noqa: E402, F403

# Real hashing is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A thread of the live server that waits for its browser must not hold the database when that is to be dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
