"""One request: bounded in time and length whoever answers, to the checked address, with the name's certificate."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scopes.outbox import post
from scopes.outbox.address import target_of
from scopes.outbox.post import Answer, Line
from tests.outbox.receiving import receiver

SOON = 0.3


def sent_to(url: str, *, seconds: float = 5.0) -> Answer:
    line = Line(target_of(url, loopback=True), loopback=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(post, "SECONDS", seconds)
        try:
            return line.post(b'{"a":1}', {"webhook-id": "evt_1"})
        finally:
            line.close()


@contextmanager
def raw(answer: Callable[[socket.socket], object]) -> Iterator[str]:
    """The address of a server that does `answer` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                with server.accept()[0] as accepted:
                    accepted.settimeout(10)
                    accepted.recv(65536)
                    answer(accepted)
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"


def drip(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Begin an answer and never end it."""

    def answer(accepted: socket.socket) -> None:
        accepted.sendall(start)
        while True:
            accepted.sendall(piece)
            time.sleep(0.01)

    return answer


def test_one_connection_carries_many_requests_and_the_answer_is_read() -> None:
    with receiver() as found:
        line = Line(target_of(found.url, loopback=True), loopback=True)
        answers = [line.post(b"{}", {"webhook-id": f"evt_{number}"}) for number in range(3)]
        first = line._open
        line.close()

    assert [answer.status for answer in answers] == [200, 200, 200]
    assert first is not None and [headers["webhook-id"] for headers, _ in found.arrived] == ["evt_0", "evt_1", "evt_2"]
    assert found.arrived[0][0]["host"] == found.url.split("/")[2]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with receiver() as inside, receiver() as found:
        found.status, found.headers = 307, {"Location": inside.url}
        answer = sent_to(found.url)

    assert (answer.status, answer.is_success, answer.error) == (307, False, "answered with 307")
    assert not inside.arrived


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
)
def test_whoever_drips_is_left_when_the_time_is_over(start: bytes, piece: bytes) -> None:
    with raw(drip(start, piece)) as url:
        began = time.monotonic()
        answer = sent_to(url, seconds=SOON)

    assert time.monotonic() - began < SOON + 1
    assert answer.status is None and answer.error in ("no answer within 0.3 s", "the answer is not HTTP")


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    read = []

    def huge(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"a" * 65536)
                read.append(65536)
        except OSError:
            handler.close_connection = True

    with receiver() as found:
        found.answer = huge
        answer = sent_to(found.url)

    assert answer.status == 200 and sum(read) < 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("answered", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the answer is not HTTP"),
        (b"", "no connection, or it was closed"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    ],
)
def test_other_answers_have_words_of_ours(answered: bytes, words: str) -> None:
    with raw(lambda accepted: accepted.sendall(answered)) as url:
        assert sent_to(url).error == words


def test_a_closed_port_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert sent_to(f"http://127.0.0.1:{port}/").error == "no connection, or it was closed"


def test_without_permission_this_machine_is_not_reached() -> None:
    with receiver() as found:
        line = Line(target_of(found.url, loopback=True))
        assert line.post(b"{}", {}).error == "the address leads inside our network"
    assert not found.arrived


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("Fri, 27 Nov 2026 10:00:00 GMT", None), ("-1", None)])
def test_for_how_long_we_are_asked_to_wait(header: str, seconds: float | None) -> None:
    with receiver() as found:
        found.status, found.headers = 429, {"Retry-After": header}
        assert sent_to(found.url).retry_after == seconds


@pytest.mark.parametrize("trusted", [True, False])
def test_the_certificate_must_be_of_the_name_though_the_number_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trusted: bool
) -> None:
    certificate = _certificate(tmp_path, "hooks.example")
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    client_side = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(post, "_tls", lambda: client_side)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **named: look_up("127.0.0.1", *rest, **named))
    names = []
    server_side.sni_callback = lambda _socket, name, _context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                with server_side.wrap_socket(server.accept()[0], server_side=True) as accepted:
                    received = b""
                    while not received.endswith(b"}") and (piece := accepted.recv(65536)):
                        received += piece
                    accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        host = "hooks.example" if trusted else "other.example"
        answer = sent_to(f"https://{host}:{server.getsockname()[1]}/")

    assert names == [host]
    assert (answer.status, "certificate" in answer.error) == ((200, False) if trusted else (None, True))


def _certificate(directory: Path, host: str) -> Path:
    """A file with a certificate for this name that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = directory / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path
