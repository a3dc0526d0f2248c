"""`make scaled`, `make restart`: `manage.py` on this machine's PostgreSQL and Redis, or on those that DATABASE_URL and REDIS_URL name.

Words are handed on to it (`up --web 4`, `restart`). The data folder is another than that of the embedded mode, so that neither sees the
other's pictures.
"""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis
from psycopg import errors, sql

from studio.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
DATABASE_URL = "postgres://{user}@127.0.0.1:5432/atelier"
REDIS_URL = "redis://127.0.0.1:6379/0"
SERVICES = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "STUDIO_SECRET_KEY")
"""What every command on the same studio has to be told alike, beside the data folder."""
ANSWER_SECONDS = 5

NO_POSTGRESQL = """PostgreSQL does not answer at {where} ({reason}).
  A new one:    docker run -d --name atelier-db -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust -e POSTGRES_USER={user} postgres:15
                (that lets in everybody who reaches the port: for trying things out on your own machine)
  Debian:       sudo apt install postgresql && sudo -u postgres createuser --superuser {user}
  Another one:  DATABASE_URL=postgres://user:password@host:5432/atelier make scaled"""

REFUSED_BY_POSTGRESQL = """PostgreSQL at {where} answers, but refuses the connection: {reason}.
  As another user:            DATABASE_URL=postgres://user:password@host:5432/atelier make scaled
  As its administrator:       createuser --createdb --pwprompt {user} (for a user that it does not know)"""

NOT_POSTGRESQL = """DATABASE_URL is not an address of PostgreSQL, which `make scaled` needs.
  Write it like DATABASE_URL=postgres://user:password@host:5432/atelier (in a password, / is %2F, @ is %40, % is %25), or leave it out.
  On SQLite, without Redis:  make run"""

NO_REDIS = """Redis does not answer at {where} ({reason}).
  A new one:    docker run -d --name atelier-redis -p 6379:6379 redis:7
  Debian:       sudo apt install redis-server
  Another one:  REDIS_URL=redis://host:6379/0 make scaled"""

REFUSED_BY_REDIS = """Redis at {where} answers, but refuses the connection: {reason}.
  With its password:  REDIS_URL=redis://:password@host:6379/0 make scaled"""

NOT_REDIS = """REDIS_URL is not an address of Redis.
  Write it like REDIS_URL=redis://:password@host:6379/0 (in a password, / is %2F, @ is %40, % is %25), or leave it out."""


def where(url: str) -> str:
    """Host and port of an address: the rest of it may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port}" if parts.port else parts.hostname or "localhost"


def can_be_read(url: str, *schemes: str) -> bool:
    """No sentence repeats what cannot be read: a piece of a password may be taken for the port."""
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and parts.port != 0
    except ValueError:
        return False


def ask_postgresql(url: str) -> str:
    """Make the database if the server has none of its name. Returns what is wrong, or nothing."""
    if not can_be_read(url, "postgres", "postgresql"):
        return NOT_POSTGRESQL
    name = urlsplit(url).path.strip("/")
    try:
        try:
            psycopg.connect(url, connect_timeout=ANSWER_SECONDS).close()
        except psycopg.OperationalError as error:
            if f'database "{name}" does not exist' not in str(error):
                raise
            with psycopg.connect(
                urlsplit(url)._replace(path="/postgres").geturl(), autocommit=True, connect_timeout=ANSWER_SECONDS
            ) as server:
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            print(f"Made the database {name} at {where(url)}.")
    except errors.InsufficientPrivilege:
        return f"PostgreSQL at {where(url)} has no database {name}, and this user may not make it. As its administrator: createdb {name}"
    except psycopg.ProgrammingError:  # libpq's own reader understands less than ours
        return NOT_POSTGRESQL
    except psycopg.Error as error:
        sentence, reason = why_not(error)
        return sentence.format(where=where(url), reason=reason, user=urlsplit(url).username or _user())
    return ""


def why_not(error: psycopg.Error) -> tuple[str, str]:
    """The sentence and the reason: libpq has no code for a connection that failed, and what a server says itself comes after `FATAL:`."""
    text = str(error).strip() or type(error).__name__
    _, refused, reason = text.partition("FATAL:")
    if refused:
        return REFUSED_BY_POSTGRESQL, reason.strip().partition("\n")[0]
    first = text.partition("\n")[0]
    if "no password supplied" in first:  # the server asked for one, and libpq has none
        return REFUSED_BY_POSTGRESQL, "it wants a password"
    return NO_POSTGRESQL, first.rpartition(" failed: ")[2]


def ask_redis(url: str) -> str:
    """Returns what is wrong, or nothing."""
    if not can_be_read(url, "redis", "rediss", "unix"):
        return NOT_REDIS
    try:
        redis.Redis.from_url(url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS).ping()
    except ValueError:
        return NOT_REDIS
    except (redis.AuthenticationError, redis.ResponseError) as error:
        return REFUSED_BY_REDIS.format(where=where(url), reason=str(error).rstrip("."))
    except redis.RedisError as error:
        return NO_REDIS.format(where=where(url), reason=error)
    return ""


def variables() -> dict[str, str]:
    """What `manage.py` is told beside what the environment and `.env` say: what this machine usually has."""
    environment = Environment()
    environment.read_env(os.environ.get("STUDIO_ENV_FILE") or str(ROOT / ".env"))
    found = {
        "STUDIO_DATA_DIR": environment.given("STUDIO_DATA_DIR") or str(ROOT / "data-scaled"),
        "DATABASE_URL": environment.given("DATABASE_URL") or DATABASE_URL.format(user=_user()),
        "REDIS_URL": environment.given("REDIS_URL") or REDIS_URL,
    }
    if not environment.given("STUDIO_SECRET_KEY"):
        # With Redis the studio wants to be told its key, as several machines have to share it. Here is one machine.
        folder = Path(found["STUDIO_DATA_DIR"]).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = folder / "secret_key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(secrets.token_urlsafe(64))
        found["STUDIO_SECRET_KEY_FILE"] = str(key)
    return found


def beside(found: Mapping[str, str], typed: Collection[str]) -> str:
    """How to run another command on the same studio: `make` tells this process alone what it found.

    A value that was `typed`, not read from `.env`, has to be typed again and may hold a password: its name alone is said.
    """
    folder = Path(found["STUDIO_DATA_DIR"])
    words = [f"STUDIO_DATA_DIR={shlex.quote(str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder))}"]
    defaults = {"DATABASE_URL": DATABASE_URL.format(user=_user()), "REDIS_URL": REDIS_URL}
    for name in SERVICES:
        if name in typed:
            words.append(f"{name}=…")
        elif name in defaults and found[name] == defaults[name]:
            words.append(f"{name}={shlex.quote(found[name])}")
    return f"Other commands beside it: {' '.join(words)} .venv/bin/python manage.py …"


def _user() -> str:
    return os.environ.get("PGUSER") or os.environ.get("USER") or "root"


def main() -> None:
    typed = {name for name in SERVICES if Environment().given(name)}  # before `.env` is read into the environment
    found = variables()
    if problems := [problem for problem in (ask_postgresql(found["DATABASE_URL"]), ask_redis(found["REDIS_URL"])) if problem]:
        sys.exit("\n\n".join(problems))
    if "up" in sys.argv[1:2]:
        print(beside(found, typed))
    sys.stdout.flush()  # what is still buffered ends with this program
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "manage.py", *sys.argv[1:]], os.environ | found)  # noqa: S606


if __name__ == "__main__":
    main()
