"""The settings of the tests: the portal's own, in test mode."""

import os

os.environ["PORTAL_MODE"] = "test"
# Playwright runs an event loop in the thread of the test.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from portal.settings import *  # noqa: F403

# Real hashing is slow on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
