"""A private PostgreSQL and Redis under one folder, on loopback, with generated passwords.

Neither is a system service. PostgreSQL refuses to run as root, so as root it runs as an unprivileged user; where
that user cannot walk to the folder, PostgreSQL is given the right to walk (CAP_DAC_READ_SEARCH) and no folder
is opened. Redis keeps nothing on disk: whatever is in it may be lost at any time.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from appliance import Trouble, programs
from appliance.supervisor import Program

ROOT = os.geteuid() == 0
USER = "facteur"
DATABASE = "facteur"

#: Names of the secrets: each lies in a file of its own, mode 0600.
SECRETS = ("database_password", "redis_password", "secret_key")

#: One appliance on one machine; docker-compose.yml starts PostgreSQL with the same.
POSTGRES_OPTIONS = {
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    # Of a disk without arms: by default indexes are left unused that find in a tenth of the time.
    "random_page_cost": "1.1",
    "wal_compression": "on",
    # Until a new table was analysed, whole folders are read for single messages.
    "autovacuum_naptime": "10s",
    "log_min_duration_statement": "1000",
    # What a statement was given may be a password's hash or somebody's mail.
    "log_parameter_max_length": "0",
}
#: For tests only: what is lost in a power cut was made a second ago.
FAST_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Private:
    """The two servers of one folder."""

    folder: Path
    database_port: int
    redis_port: int
    fast: bool = False
    _postgres: programs.PostgreSQL | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.folder / "postgresql"

    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text().strip()

    def environment(self) -> dict[str, str]:
        """What mailservices/config.py reads."""
        keys = self.folder / "secrets"
        return {
            "FACTEUR_DATABASE_URL": f"postgresql://{USER}@127.0.0.1:{self.database_port}/{DATABASE}",
            "FACTEUR_DATABASE_PASSWORD_FILE": str(keys / "database_password"),
            "FACTEUR_REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "FACTEUR_REDIS_PASSWORD_FILE": str(keys / "redis_password"),
            "FACTEUR_SECRET_KEY_FILE": str(keys / "secret_key"),
        }

    def prepare(self) -> None:
        """Make secrets, cluster and configuration where they are missing.

        Raises:
            Trouble: the folder is damaged, or belongs to another version of PostgreSQL.
        """
        self._make_secrets()
        self._postgres = self._fitting_postgresql()
        if not (self.data / "PG_VERSION").exists():
            self._initdb(self._postgres)
        self._make_redis()

    def _make_secrets(self) -> None:
        keys = self.folder / "secrets"
        try:
            keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Trouble(f"{keys} cannot be made: {error.strerror}.") from error
        for name in SECRETS:
            path = keys / name
            if path.exists() and path.read_text().strip():
                continue
            if (self.data / "PG_VERSION").exists():
                raise Trouble(
                    f"{path} is missing or empty, but {self.data} has data: restore it from your backup."
                )
            path.unlink(missing_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(32) + "\n")

    def _fitting_postgresql(self) -> programs.PostgreSQL:
        version = self.data / "PG_VERSION"
        if version.exists():
            major = version.read_text().strip()
            server = programs.postgresql(int(major)) if major.isdigit() else None
            if server is None:
                raise Trouble(f"{self.data} was made by PostgreSQL {major or '?'}, which is not installed here.")
            return server
        if self.data.exists() and any(self.data.iterdir()):
            raise Trouble(f"{self.data} is damaged (no PG_VERSION): restore it from your backup, or move it away.")
        server = programs.postgresql()
        if server is None:
            raise Trouble("No PostgreSQL server is installed here.")
        return server

    def _initdb(self, server: programs.PostgreSQL) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = self.folder / "initdb.password"
        password.write_text(self.secret("database_password"))
        password.chmod(0o600)
        if ROOT:
            account = _unprivileged()
            os.chown(self.data, account.pw_uid, account.pw_gid)
            os.chown(password, account.pw_uid, account.pw_gid)
        command = [
            *_as_unprivileged(self.data),
            *(server["initdb"], "--pgdata", str(self.data), "--username", USER, "--pwfile", str(password)),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "scram-sha-256"),
            *(["--no-sync"] if self.fast else []),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        finally:
            password.unlink()
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            last = (done.stderr.strip().splitlines() or ["initdb failed"])[-1]
            raise Trouble(f"PostgreSQL cannot make its folder {self.data}: {last}")

    def _make_redis(self) -> None:
        folder = self.folder / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        config = folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(
            f'bind 127.0.0.1\nport {self.redis_port}\ndir {folder}\nsave ""\nappendonly no\n'
            f"requirepass {self.secret('redis_password')}\nmaxmemory-policy noeviction\n"
        )

    def programs(self) -> list[Program]:
        """The two servers, as the supervisor starts them."""
        if self._postgres is None:
            raise RuntimeError("prepare() comes first")
        options = {
            **POSTGRES_OPTIONS,
            **(FAST_OPTIONS if self.fast else {}),
            "port": str(self.database_port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        redis = programs.redis()
        if redis is None:
            raise Trouble("No Redis server is installed here.")
        return [
            Program(
                name="postgresql",
                command=(
                    *_as_unprivileged(self.data),
                    *(self._postgres["postgres"], "-D", str(self.data)),
                    *(part for name, value in options.items() for part in ("-c", f"{name}={value}")),
                ),
                ports=(self.database_port,),
                stop="SIGINT",
            ),
            Program(
                name="redis",
                command=(redis, str(self.folder / "redis" / "redis.conf")),
                ports=(self.redis_port,),
            ),
        ]


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Trouble("This machine has neither a user postgres nor a user nobody to run PostgreSQL as.")


def _as_unprivileged(folder: Path) -> list[str]:
    """What stands before a PostgreSQL command: nothing, or as root the step down to an ordinary user."""
    if not ROOT:
        return []
    account = _unprivileged()
    command = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    if not all(_may_walk(parent, account) for parent in folder.resolve().parents):
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return [*command, "--pdeathsig=INT", "--"]


def _may_walk(folder: Path, account: pwd.struct_passwd) -> bool:
    status = folder.stat()
    return bool(status.st_mode & 0o001 or (status.st_uid == account.pw_uid and status.st_mode & 0o100))
