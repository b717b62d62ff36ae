"""A webhook is accepted when one of our secrets signed exactly its bytes, and never otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from scopes.sources.errors import NotVerified
from scopes.sources.terra.signature import sign, verify

# As published with Terra's own clients, and one by a third party: secret, body, header.
PUBLISHED = [
    ("secret", b"b", "t=10,v1=ad2da523c6d08e6ba4d8c36d86d5ca1f31f26992aabde11659556ced1d96509b"),
    ("foo", b"{'bar':'baz'}", "t=12345678,v1=599aa529690b885a43f184327c582375068d70705b7a471af15e10682c6f5313"),
    ("key", b"123", "t=12345678,v1=dca55eca8f595bd4d80250ab9609c7cbecec8e581c5c3822294f7c2ee1c99377"),
]
SECRET, BODY, HEADER = PUBLISHED[0]
V1 = HEADER.removeprefix("t=10,")
WRONG_V1 = "v1=" + "0" * 64


@pytest.mark.parametrize(("secret", "body", "header"), PUBLISHED)
def test_published_signatures_are_accepted(secret: str, body: bytes, header: str) -> None:
    assert f"t={verify(body, header, [secret]).timestamp}," in header


@pytest.mark.parametrize(("secret", "body", "header"), PUBLISHED)
def test_we_sign_as_published(secret: str, body: bytes, header: str) -> None:
    at = datetime.fromtimestamp(int(header.partition(",")[0].removeprefix("t=")), UTC)
    assert sign(body, secret, at) == header


@pytest.mark.parametrize(
    "header",
    [
        f"t=10,{WRONG_V1},{V1}",
        f"t=10,{V1},{WRONG_V1}",
        f"t=10,v0=old,v2=new,{V1},v0=azert",
        f" t = 10 ,\n  {V1.replace('=', ' = ')} ",
        f"{V1},t=10",
        f"t=10,v1=azert,v1=é,{V1}",
    ],
)
def test_any_matching_v1_is_enough_whatever_surrounds_it(header: str) -> None:
    assert verify(BODY, header, [SECRET]).timestamp == 10


def test_each_of_several_secrets_may_have_signed() -> None:
    assert verify(BODY, HEADER, ["new", SECRET]).timestamp == 10
    assert verify(BODY, HEADER, [SECRET, "old"]).timestamp == 10


def test_an_empty_body_can_be_signed() -> None:
    header = sign(b"", SECRET, datetime(2026, 11, 20, tzinfo=UTC))
    assert verify(b"", header, [SECRET]).signed_at == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (BODY, "t=10,v1=azert"),
        (b"baz", "bar"),
        (b"bar", "t=1234,s=aef6655db12"),
        (BODY, ""),
        (BODY, V1),
        (BODY, "t=10"),
        (BODY, f"t=11,{V1}"),
        (b"b ", HEADER),
        (b"", HEADER),
        (BODY, f"t=10,{V1.upper()}"),
        (BODY, f"t=10,{V1.replace('v1', 'v0')}"),
        (BODY, f"t=10,t=10,{V1}"),
        (BODY, f"t=ten,{V1}"),
        (BODY, f"t=١٠,{V1}"),
        (BODY, f"t=10,{V1[:-1]}é"),
        (BODY, f"t=10,v1=,{V1[:-1]}"),
        (BODY, f"t={'9' * 40},{V1}"),
        (BODY, "t=10," + f"{WRONG_V1}," * 100 + V1),
    ],
)
def test_anything_else_is_refused(body: bytes, header: str) -> None:
    with pytest.raises(NotVerified):
        verify(body, header, [SECRET])


def test_another_secret_is_refused() -> None:
    with pytest.raises(NotVerified, match="no signature matches"):
        verify(BODY, HEADER, ["secret ", "Secret"])


@pytest.mark.parametrize("secrets", [[], [""], ("", "")])
def test_verification_cannot_be_skipped_by_setting_no_secret(secrets: list[str]) -> None:
    unkeyed = sign(BODY, "", datetime.fromtimestamp(10, UTC))
    with pytest.raises(NotVerified, match="no signing secret is set"):
        verify(BODY, unkeyed, secrets)


def test_the_error_repeats_nothing_of_the_header() -> None:
    with pytest.raises(NotVerified) as refused:
        verify(BODY, f"t=10,{WRONG_V1}", [SECRET])
    assert "000" not in str(refused.value)
    assert SECRET not in str(refused.value).replace("the secret is", "")


def test_an_old_signature_is_accepted_and_its_age_is_reported() -> None:
    then = datetime(2026, 11, 20, 6, tzinfo=UTC)
    signature = verify(BODY, sign(BODY, SECRET, then), [SECRET])
    assert signature.age(then + timedelta(hours=23)) == timedelta(hours=23)
    assert signature.age(then - timedelta(minutes=2)) == timedelta(minutes=-2)


def test_a_timestamp_in_milliseconds_is_understood() -> None:
    # printf '1795154400000.b' | openssl dgst -sha256 -hmac secret
    header = "t=1795154400000,v1=52796a539c9b28be376432b188b1f4ba89a3e052e7a40c50819b759fb2b49c36"
    assert verify(BODY, header, [SECRET]).signed_at == datetime(2026, 11, 20, 6, tzinfo=UTC)
