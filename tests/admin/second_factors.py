"""What an agent does who has an authenticator app."""

from __future__ import annotations

import re
import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.conftest import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_of(secret: str = SECRET, steps: int = 0) -> str:
    """What the app shows now, or so many half minutes later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def give_an_app(user: User) -> list[str]:
    """Set up an app with SECRET for the agent; their recovery codes."""
    TOTP.activate(user, SECRET)
    return list(RecoveryCodes.activate(user).generate_codes())


def sign_in(client: Client, user: User, page: str = "/admin/") -> str:
    """Enter name and password; where that leads."""
    form = {"username": user.username, "password": PASSWORD, "next": page}
    return client.post("/admin/login/", form).headers["Location"]


def shown_key(page: str) -> str:
    """The key that the page shows to type into an app."""
    found = re.search(r'<code class="key">([A-Z2-7]+)</code>', page)
    assert found
    return found[1]
