"""Encryption of the secrets of second factors in the database, by AES-GCM under a key made from SECRET_KEY.

A secret that was encrypted under a key which is not known any more reads as a new random one, so that no code fits it:
that agent's second factor must be set up again.
"""

from __future__ import annotations

import base64
import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12
RANDOM_BYTES = 20
PURPOSE = b"second factors"


def encrypt(text: str) -> str:
    """The text, encrypted under the current key: the key's id, and nonce and ciphertext in base64."""
    secret: str = settings.SECRET_KEY
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(secret)).encrypt(nonce, text.encode(), PURPOSE)
    return f"{_id(secret)}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(encrypted: str) -> str:
    """The text; random base32 where its key is not known or it was changed."""
    name, _, data = encrypted.partition(":")
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if _id(secret) == name:
            try:
                sealed = base64.b64decode(data)
                return AESGCM(_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], PURPOSE).decode()
            except (InvalidTag, ValueError):
                break
    return base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode()


def _key(secret: str) -> bytes:
    return HKDF(SHA256(), 32, None, PURPOSE).derive(secret.encode())


def _id(secret: str) -> str:
    """What distinguishes a key from others, and reveals nothing of it."""
    return sha256(HKDF(SHA256(), 32, None, b"id of a key").derive(secret.encode())).hexdigest()[:8]
