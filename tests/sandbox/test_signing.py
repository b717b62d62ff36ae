"""The sandbox signs as in Terra's published vectors."""

from __future__ import annotations

import pytest

from scopes.sandbox.signing import signature


@pytest.mark.parametrize(
    ("secret", "body", "header"),
    [
        ("secret", b"b", "t=10,v1=ad2da523c6d08e6ba4d8c36d86d5ca1f31f26992aabde11659556ced1d96509b"),
        ("foo", b"{'bar':'baz'}", "t=12345678,v1=599aa529690b885a43f184327c582375068d70705b7a471af15e10682c6f5313"),
        ("key", b"123", "t=12345678,v1=dca55eca8f595bd4d80250ab9609c7cbecec8e581c5c3822294f7c2ee1c99377"),
    ],
)
def test_every_published_vector_is_reproduced(secret: str, body: bytes, header: str) -> None:
    at = int(header.removeprefix("t=").split(",")[0])
    assert signature(secret, body, at) == header


def test_another_secret_body_or_time_makes_another_signature() -> None:
    signatures = {signature("foo", b"bar", 1), signature("fop", b"bar", 1), signature("foo", b"baz", 1)}
    assert len(signatures | {signature("foo", b"bar", 2)}) == 4
