"""Where an endpoint may lead: to nothing inside our network, by whatever spelling, and whatever its name leads to."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time

import pytest

from scopes.outbox.address import AddressRefused, is_allowed, look_up, target_of


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "168.63.129.16", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1", "2002:0a00:0001::1", "2001:0:53aa:64c:0:0:f5ff:fffe", "2001:db8::1", "5f00::1", "3fff::1",
    ],
)  # fmt: skip
def test_addresses_of_networks_like_ours_are_refused(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"])
def test_addresses_of_the_internet_are_allowed(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


def test_only_this_machine_is_allowed_on_the_loopback() -> None:
    allowed = [one for one in ("127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "fe80::1")
               if is_allowed(ipaddress.ip_address(one), loopback=True)]  # fmt: skip
    assert allowed == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example/hook", "ftp://host.example/", "//host.example/", "host.example", "https://", "https:///x",
        "https://user@host.example/", "https://user:password@host.example/", "https://host.example/#part",
        "https://host.example:99999/", "https://host.example:0/", "https://[::1/", "https://10.0.0.1/",
        "https://[::ffff:169.254.169.254]/", "https://[fe80::1%25eth0]/", "https://host.example/a b",
        "https://host.example/\r\nX: y", "https://hóst.example/", "https://host.example\\@10.0.0.1/",
        "https://host.example/" + "a" * 500,
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_or_home_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        target_of(url)
    assert "host.example" not in str(refused.value)


def test_an_address_is_read_as_host_port_and_path() -> None:
    target = target_of("https://host.example:8443/hook?tenant=7")
    assert (target.host, target.port, target.path, target.encrypted) == ("host.example", 8443, "/hook?tenant=7", True)
    assert target_of("https://93.184.215.14").path == "/"


def found(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """From now on every name leads to these."""
    places = [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443))
              for one in addresses]  # fmt: skip
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: places)


@pytest.mark.parametrize("inside", ["10.0.0.1", "::ffff:127.0.0.1", "fe80::1%2"])
def test_a_name_is_refused_if_one_of_its_addresses_is_inside(monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    found(monkeypatch, "93.184.215.14", inside)
    with pytest.raises(AddressRefused, match="inside our network"):
        look_up(target_of("https://host.example/"), seconds=5)


def test_a_name_leads_to_its_checked_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, "93.184.215.14", "2606:2800:21f::1", "93.184.215.14")
    assert look_up(target_of("https://host.example/"), seconds=5) == ["93.184.215.14", "2606:2800:21f::1"]


@pytest.mark.parametrize("url", ["https://2130706433/", "https://0x7f.1/", "https://localhost/"])
def test_other_spellings_of_this_machine_are_looked_up_and_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="inside our network"):
        look_up(target_of(url), seconds=5)


def test_unencrypted_only_this_machine_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_of("http://host.example/", loopback=True)
    found(monkeypatch, "93.184.215.14")
    with pytest.raises(AddressRefused, match="encryption"):
        look_up(target, seconds=5, loopback=True)
    found(monkeypatch, "127.0.0.1")
    assert look_up(target, seconds=5, loopback=True) == ["127.0.0.1"]


def test_a_look_up_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = threading.Event()

    def hang(*_arguments: object, **_named: object) -> None:
        ends.wait(60)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    with pytest.raises(AddressRefused, match="in time"):
        look_up(target_of("https://host.example/"), seconds=0.05)
    ends.set()
    assert time.monotonic() - began < 5
