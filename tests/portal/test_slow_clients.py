"""When a request has arrived: its whole head, and its body, or as much of it as is inspected."""

from __future__ import annotations

import pytest

from portal.slow_clients import LOOKED_AT, has_come, is_whole

POST = b"POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\n"


@pytest.mark.parametrize(
    ("seen", "arrived"),
    [
        (b"G", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (POST, False),
        (POST + b"ab", False),
        (POST + b"abc", True),
        (POST + b"abcGET /", True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", True),
        (POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), True),
        (b"POST / HTTP/1.1\r\nX-Content-Length: 9\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", True),
        (POST.replace(b"3", b"9" * 9) + b"a" * LOOKED_AT, True),
        (b"a" * LOOKED_AT, True),
        (b"a" * (LOOKED_AT - 1), False),
    ],
    ids=range(14),
)
def test_a_request_has_arrived(seen: bytes, arrived: bool) -> None:
    assert has_come(seen[:LOOKED_AT]) is arrived


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
        (POST + b"ab", False),
        (POST + b"abc", True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (POST.replace(b"3", b"9" * 9) + b"a" * LOOKED_AT, False),
        (b"a" * LOOKED_AT, False),
    ],
    ids=range(7),
)
def test_a_request_has_arrived_completely(seen: bytes, whole: bool) -> None:
    assert is_whole(seen) is whole
