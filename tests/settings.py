"""The settings of the tests: the portal's own, in test mode."""

import os

os.environ["PORTAL_MODE"] = "test"
# Playwright runs an event loop in the thread of the test.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from portal.settings import *  # noqa: F403

# Real hashing is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A thread of the live server that waits for its browser must not hold the database when that is to be dropped.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
