"""Where the address of an endpoint leads: only out of our network, looked up anew for each request.

A request is made to the very address that was checked here, so a name that changes between the look-up and the
connection gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

LONGEST = 500
INSIDE = "the address leads inside our network"
# Public by its number, and yet a machine of the cloud that we may run in: Azure's.
CLOUD = frozenset({ipaddress.ip_address("168.63.129.16")})
# IPv6 addresses that hold an IPv4 address in their last 32 bits: IPv4-compatible, translated (SIIT), NAT64.
HOLDING_IPV4 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96")))
# Local to whoever translates, whatever stands in it.
LOCAL = tuple(map(ipaddress.IPv6Network, ("64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16")))

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """Nothing is sent to this address. The message says why, and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an endpoint's URL points: host and port, and what is requested there."""

    host: str
    port: int
    path: str
    encrypted: bool


def target_of(url: str, *, loopback: bool = False) -> Target:
    """The target of the URL of an endpoint. Raises AddressRefused.

    It must be https, unless `loopback`, which tests and the demo set: then http is accepted as well, for this machine.
    """
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or any(sign in url for sign in ' "<>\\^`{|}'):
        raise AddressRefused(f"an address has at most {LONGEST} characters, all of them ASCII and without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("it cannot be read as an address") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in (("https", "http") if loopback else ("https",)):
        raise AddressRefused("an address begins with https://")
    if not host or "%" in host or port == 0:
        raise AddressRefused("the address names no host")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("an address has no user and no password in it: requests are signed")
    if parts.fragment:
        raise AddressRefused("an address has no part after #: it is never sent")
    encrypted = parts.scheme == "https"
    literal = _literal(host)
    if literal is not None and not is_allowed(literal, loopback=loopback):
        raise AddressRefused(INSIDE)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host, port or (443 if encrypted else 80), path, encrypted)


def look_up(target: Target, *, seconds: float, loopback: bool = False) -> list[str]:
    """The IP addresses of the target, all of them checked, within so many seconds.

    Raises AddressRefused, also where one of them is ours.
    """
    addresses = [target.host] if _literal(target.host) is not None else _resolved(target, seconds)
    checked = [_literal(address) for address in addresses]
    if not addresses or any(one is None or not is_allowed(one, loopback=loopback) for one in checked):
        raise AddressRefused(INSIDE)
    if not target.encrypted and not all(one is not None and one.is_loopback for one in checked):
        raise AddressRefused("without encryption only this machine is sent anything")
    return addresses


def _resolved(target: Target, seconds: float) -> list[str]:
    """What the name of the host leads to. In a thread of its own: the resolver has no limit of time that is ours."""
    answers: SimpleQueue[list[str] | None] = SimpleQueue()

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            answers.put(None)
        else:
            answers.put(list(dict.fromkeys(str(place[0]) for *_, place in found)))

    Thread(target=resolve, name="look-up", daemon=True).start()
    try:
        addresses = answers.get(timeout=seconds)
    except Empty:
        raise AddressRefused("the name of the host could not be looked up in time") from None
    if addresses is None:
        raise AddressRefused("the name of the host is not known")
    return addresses


def is_allowed(address: Address, *, loopback: bool = False) -> bool:
    """Whether an address is outside every private network; `loopback`: or is this machine."""
    if isinstance(address, ipaddress.IPv6Address):
        if loopback and address.is_loopback:
            return True
        if any(address in network for network in LOCAL) or address.scope_id:
            return False
        if (held := _held_ipv4(address)) is not None:
            return is_allowed(held)
    elif loopback and address.is_loopback:
        return True
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified or address in CLOUD
    )


def _held_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a translator or tunnel would send to instead."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in HOLDING_IPV4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
