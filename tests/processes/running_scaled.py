"""The real studio of the scaled mode: `manage.py up` on a PostgreSQL and a Redis, with a database and a data folder of its own."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import redis
from psycopg import sql

from studio.processes.child import PROGRAM
from tests.browser.running import ROOT, RunningStudio, prepared

POSTGRESQL = "postgres://root@127.0.0.1:5432/postgres"
TEMPLATE = "atelier_template_"
"""How the databases begin from which others are copied; the code's migrations are in the rest of the name."""
SECRET_KEY = "only-for-tests-" + "0123456789abcdef" * 4


def own_redis() -> str:
    """Another database of the tests' Redis: theirs is emptied between tests, and eight numbers on is none of another process of the run."""
    url = urlsplit(os.environ["REDIS_URL"])
    return url._replace(path=f"/{(int(url.path.strip('/') or 0) + 8) % 16}").geturl()


def scaled(data_dir: Path, database: str, redis_url: str, **environment: str) -> dict[str, str]:
    """The variables of the scaled mode, whatever the tests themselves run on."""
    strangers = ("STUDIO_", "STABILITY_", "CELERY_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(strangers)}
    services = {"DATABASE_URL": database, "REDIS_URL": redis_url, "STUDIO_SECRET_KEY": SECRET_KEY}
    return kept | {"STUDIO_DATA_DIR": str(data_dir), "STUDIO_ENV_FILE": os.devnull, **services, **environment}


class Databases:
    """Makes and drops databases on one server. Changes of the tables are run once for each version of the code, in a template."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._prefix = url.rpartition("/")[0] if urlsplit(url).path.strip("/") else url.rstrip("/")

    def address(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    def run(self, statement: str, name: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def make(self) -> str:
        """The name of a new database with all tables."""
        template = self._template()
        name = f"atelier_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            # One at a time: PostgreSQL refuses to copy a database that somebody else is copying.
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [template])
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @functools.cached_property
    def _fingerprint(self) -> str:
        """Of all migrations, by their names and texts."""
        found = hashlib.sha256()
        for path in sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("studio/*/migrations/*.py"), ROOT / "requirements" / "core.txt"]):
            found.update(path.name.encode() + path.read_bytes())
        return found.hexdigest()[:16]

    def _template(self) -> str:
        name = TEMPLATE + self._fingerprint
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])  # until the connection ends
            ready = "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate"
            if not connection.execute(ready, [name]).fetchone():
                self.drop(name)  # begun by one that was killed
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                with tempfile.TemporaryDirectory(prefix="at-") as folder:
                    # Without Redis: nothing of the tables depends on it.
                    environment = scaled(Path(folder), self.address(name), "")
                    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"]
                    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
                connection.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(name)))
        return name


def _program(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(PROGRAM)
    except psutil.Error:  # it has just ended
        return None


class RunningScaledStudio(RunningStudio):
    """Start, watch, kill and stop one studio of the scaled mode.

    `redis_url` names the Redis and the number of its database, which is emptied first; `database_url` any database on the server where this
    one's own is made, and dropped by `close()`. Words are handed on to `manage.py up`: `"--web", "2", "--worker", "null"`.
    """

    def __init__(self, data_dir: Path, *words: str, redis_url: str = "", database_url: str = "", **environment: str) -> None:
        self.databases = Databases(database_url or os.environ.get("DATABASE_URL") or POSTGRESQL)
        self.redis_url = redis_url or own_redis()
        redis.Redis.from_url(self.redis_url).flushdb()
        self.database = self.databases.make()
        data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(data_dir, from_nothing=True)
        address = self.databases.address(self.database)
        self.environment = scaled(data_dir, address, self.redis_url, **{"STUDIO_SUBMIT_RATE": "1000/minute", **environment})
        self.words = words
        if not (data_dir / "static").exists():  # they do not depend on the mode
            shutil.copytree(prepared() / "static", data_dir / "static")
            shutil.copy(prepared() / "static.stamp", data_dir)

    def __enter__(self) -> RunningScaledStudio:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End what still runs, and drop the database."""
        if self._process and self._process.poll() is None:
            self.kill()
            self._process.wait()
        self.databases.drop(self.database)

    def command(self) -> list[str]:
        return [*super().command(), *self.words]

    def process(self, name: str) -> psutil.Process:
        """The one that the supervisor calls so: `web-1`, `worker-2`, `beat`."""
        [found] = [process for process in self.processes() if _program(process) == name]
        return found

    def restart(self) -> subprocess.CompletedProcess[str]:
        """`manage.py restart`; its output and exit status."""
        return self.manage("restart")

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the studio's database from outside; values for `%s`."""
        with psycopg.connect(self.databases.address(self.database)) as connection:
            return connection.execute(statement, values or None).fetchall()
