"""Tokens are encrypted for one field of one row; whatever else is tried does not open, and shows nothing."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopes.sources.errors import NotConfigured
from scopes.sources.oauth2 import vault
from tests.sources.oauth2.keys import NEW, OLD, VARIABLE

TOKEN = "ya29.a-secret-token"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, OLD)


def test_what_was_sealed_opens() -> None:
    sealed = vault.seal(7, "access", TOKEN)
    assert vault.open_(7, "access", sealed) == TOKEN
    assert TOKEN.encode() not in sealed and sealed.startswith(b"old:")


def test_the_same_token_is_sealed_differently_each_time() -> None:
    assert len({vault.seal(7, "access", TOKEN) for _ in range(100)}) == 100


@given(token=st.text(max_size=3000), pk=st.integers(min_value=1, max_value=2**63 - 1))
def test_any_text_opens_as_it_was(token: str, pk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, OLD)
        assert vault.open_(pk, "refresh", vault.seal(pk, "refresh", token)) == token


def test_a_text_of_another_row_or_field_does_not_open() -> None:
    sealed = vault.seal(7, "access", TOKEN)
    for pk, field in ((8, "access"), (7, "refresh"), (71, "access")):
        with pytest.raises(vault.NotOpened) as refused:
            vault.open_(pk, field, sealed)  # type: ignore[arg-type]
        assert TOKEN not in str(refused.value) and refused.value.__suppress_context__


def test_no_bit_can_be_changed() -> None:
    sealed = vault.seal(7, "access", TOKEN)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(vault.NotOpened) as refused:
            vault.open_(7, "access", bytes(changed))
        assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("broken", [b"", b"old", b"old:", b"old:short", b":", b"\xff\xfe:" + bytes(40), bytes(400)])
def test_what_is_no_sealed_text_does_not_open(broken: bytes) -> None:
    with pytest.raises(vault.NotOpened):
        vault.open_(7, "access", broken)


def test_the_first_key_encrypts_and_all_decrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = vault.seal(7, "access", TOKEN)
    monkeypatch.setenv(VARIABLE, f"{NEW}, {OLD}")
    assert (vault.first_key(), vault.open_(7, "access", earlier)) == ("new", TOKEN)
    later = vault.seal(7, "access", TOKEN)
    monkeypatch.setenv(VARIABLE, NEW)
    assert vault.open_(7, "access", later) == TOKEN
    with pytest.raises(vault.NotOpened, match="no key 'old'"):
        vault.open_(7, "access", earlier)


def test_another_key_of_the_same_id_does_not_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal(7, "access", TOKEN)
    monkeypatch.setenv(VARIABLE, NEW.replace("new:", "old:"))
    with pytest.raises(vault.NotOpened):
        vault.open_(7, "access", sealed)


def test_without_a_key_nothing_is_sealed_or_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = vault.seal(7, "access", TOKEN)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(NotConfigured, match=VARIABLE):
        vault.seal(7, "access", TOKEN)
    with pytest.raises(NotConfigured, match=VARIABLE):
        vault.open_(7, "access", sealed)


SHORT = base64.b64encode(b"only-sixteen-byt").decode()
LONG = base64.b64encode(bytes(33)).decode()


@pytest.mark.parametrize(
    ("value", "trouble"),
    [
        ("", "is missing"),
        (OLD.partition(":")[2], "key 1 has no id"),
        (f"{OLD},:{SHORT}", "key 2 has no id"),
        (f"an id:{SHORT}", "key 1 has no id"),
        (f"a:{SHORT}", "'a' has 16 bytes, not 32"),
        (f"a:{LONG}", "'a' has 33 bytes, not 32"),
        ("a:", "'a' has 0 bytes, not 32"),
        ("a:not*base64", "'a' is not base64"),
        (f"{OLD},", "key 2 has no id"),
        (f"{OLD},{OLD}", "the id 'old' twice"),
    ],
)
def test_a_wrong_key_is_named_without_its_value(value: str, trouble: str) -> None:
    (found,) = vault.troubles({VARIABLE: value}, needed=True)
    assert trouble in found
    for part in value.split(","):
        secret = part.partition(":")[2] or part
        assert not secret or secret not in found


def test_no_key_is_needed_where_no_token_is_kept() -> None:
    assert not list(vault.troubles({}, needed=False))
    assert list(vault.troubles({VARIABLE: "a:b"}, needed=False))


def test_a_misspelt_variable_is_named() -> None:
    (found,) = vault.troubles({"SCOPES_TOKEN_KEY": OLD}, needed=False)
    assert found == f"SCOPES_TOKEN_KEY is read by nothing: is {VARIABLE} meant?"


def test_only_the_vault_encrypts_and_what_keeps_the_secrets_of_second_factors() -> None:
    package = Path(vault.__file__).parents[2]
    using = {str(path.relative_to(package)) for path in package.rglob("*.py") if "AESGCM" in path.read_text("utf-8")}
    assert using == {"admin/factor_secrets.py", "sources/oauth2/vault.py"}
