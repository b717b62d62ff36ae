"""The variables of a host application."""

from __future__ import annotations

SECRET, OLDER = "s3cret" * 6, "0lder!" * 6
APP = {
    "HOST_SOURCES": "app",
    "HOST_APP_LINK_URL": "https://app.example/connect/{provider}?from=support",
    "HOST_APP_SIGNING_SECRETS": f"{SECRET}, {OLDER}",
}
