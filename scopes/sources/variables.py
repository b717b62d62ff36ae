"""What the variables of every kind of source have in common: lists, names, truths, addresses."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def listed(text: str) -> list[str]:
    """What stands in the text, separated by commas."""
    return [one.strip() for one in text.split(",") if one.strip()]


def is_safe_address(url: str) -> bool:
    """Whether secrets may travel there: encrypted, or within this machine; nothing behind path and query."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.fragment or re.search(r"[\s\\]", url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
