"""Keys that encrypt the tokens of a test."""

import base64

OLD, NEW = (f"{name}:{base64.b64encode(bytes([number]) * 32).decode()}" for number, name in ((1, "old"), (2, "new")))
VARIABLE = "SCOPES_TOKEN_KEYS"
