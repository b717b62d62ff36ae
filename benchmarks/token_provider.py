"""An OAuth provider as cheap as one can be, in a process of its own: it accepts every token of ours.

Its issuers are `/rotating`, whose refresh brings another refresh token, `/same`, whose refresh keeps it, and `/fewer`,
whose introspection reports fewer scopes than were granted. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs

GRANTED, FEWER = "one two three", "one two"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, as long as it lasts."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
            body = (await reader.readexactly(length)).decode() if length else ""
            host = next(line[6:].strip() for line in lines if line.lower().startswith("host:"))
            content = json.dumps(_said(lines[0].split()[1], f"http://{host}", parse_qs(body))).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (len(content), content)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _said(path: str, host: str, form: dict[str, list[str]]) -> dict[str, object]:
    name = next((one for one in ("rotating", "same", "fewer") if one in path), "same")
    issuer = f"{host}/{name}"
    if ".well-known" in path:
        return {
            "issuer": issuer,
            **{f"{what}_endpoint": f"{issuer}/{what}" for what in ("authorization", "token", "introspection")},
        }
    if path.endswith("/introspection"):
        account = form["token"][0].rpartition(".")[2]
        return {"active": True, "sub": account, "scope": FEWER if name == "fewer" else GRANTED}
    filler, generation, account = form["refresh_token"][0].split(".")
    tokens: dict[str, object] = {"access_token": f"{filler}.{account}", "token_type": "bearer", "expires_in": 3600}
    if name == "rotating":
        tokens["refresh_token"] = f"{filler}.{int(generation) + 1}.{account}"
    return tokens


async def serve() -> None:
    """Serve on a free port of the loopback until the process ends."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
