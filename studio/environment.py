"""Reads the settings' variables: from the environment, from `NAME_FILE`, from `.env`; remembers what was asked for and what made no sense.

A value that cannot be read is no traceback: the default stands in for it, and `studio.checks` stops the studio with a sentence.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ

TRUE = frozenset({"1", "true", "yes", "on", "y"})
FALSE = frozenset({"0", "false", "no", "off", "n"})
DATABASES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})


class Environment(environ.Env):  # type: ignore[misc]
    """django-environ, but: an empty value counts as not given, `NAME_FILE` is stripped, `$` means `$`, and nothing is half-read.

    `names` are the variables that were asked for, `problems` one sentence for each variable that holds nonsense.
    """

    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.source: Mapping[str, str] = os.environ if source is None else source
        self.names: set[str] = set()
        self.problems: dict[str, str] = {}

    def given(self, name: str) -> str | None:
        """The text of a variable, or of the file that `NAME_FILE` names; None when neither is there or it is empty."""
        path = self.source.get(f"{name}_FILE")
        if not path:
            return self.source.get(name, "").strip() or None
        try:
            return Path(path).expanduser().read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeDecodeError) as error:
            self.problems[name] = f"{name}_FILE names a file that cannot be read ({type(error).__name__}): give the path of a text file."
            return None

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False) -> Any:
        """What every reader of django-environ goes through. Never raises for a default that is there."""
        self.names.add(var)
        text = self.given(var)
        if text is None:
            return None if default is self.NOTSET else default
        try:
            if cast is bool:
                return self._truth(text)
            if cast is list:
                return [item.strip() for item in text.split(",") if item.strip()]
            return text if cast is None else cast(text)
        except ValueError:
            expected = {int: "a whole number", float: "a number", bool: "1 or 0 (true or false)"}.get(cast, "something else")
            self.problems[var] = f"{var} must be {expected}, not “{text[:40]}”."
            return default

    @staticmethod
    def _truth(text: str) -> bool:
        if text.lower() in TRUE:
            return True
        if text.lower() in FALSE:
            return False
        raise ValueError(text)

    def database(self, var: str, default: dict[str, Any]) -> dict[str, Any]:
        """Read an address like `postgres://user:password@host:5432/name?sslmode=require` into one entry of `DATABASES`."""
        found = self._address(var, default, self.db_url_config, needed="ENGINE", example="postgres://user:password@host:5432/name")
        if found is not default and found["ENGINE"] not in DATABASES:
            # Said here, because Django stops with a traceback about a missing driver before it checks anything.
            self.problems[var] = f"{var} asks for a database that the studio does not know: leave it out for SQLite, or give PostgreSQL's."
            return default
        return found

    def mail(self, var: str, default: dict[str, Any]) -> dict[str, Any]:
        """Read an address like `smtp+tls://user:password@host:587` into the `EMAIL_*` settings."""
        example = "smtp+tls://user:password@host:587"
        found = self._address(var, default, self.email_url_config, needed="EMAIL_BACKEND", example=example)
        if found.get("EMAIL_BACKEND", "").endswith("smtp.EmailBackend") and not found.get("EMAIL_HOST"):
            self.problems[var] = f"{var} names no mail server: write it like {example}."
            return default
        return found

    def _address(self, var: str, default: dict[str, Any], parse: Any, *, needed: str, example: str) -> dict[str, Any]:
        text = self.get_value(var, default="")
        if not text:
            return default
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's own warning repeats the whole address, and the password with it
            try:
                found: dict[str, Any] = parse(text)
            except Exception:  # noqa: BLE001  the parsers raise whatever their lookup raises
                found = {}
        if "." not in str(found.get(needed, "")):  # a scheme that it does not know is handed back as if it were an engine
            self.problems[var] = f"{var} is not an address that can be read: write it like {example}."
            return default
        return found

    def zone(self, var: str, default: str) -> str:
        """Read the name of a time zone; Django itself stops with a traceback for one that does not exist."""
        name = str(self.get_value(var, default=default))
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.problems[var] = f"{var}: there is no time zone “{name[:40]}”; write it like Europe/Madrid or UTC."
            return default
        return name

    def unknown(self, prefix: str) -> list[str]:
        """Variables with this prefix that nobody has asked for: most likely a typing error."""
        known = self.names | {f"{name}_FILE" for name in self.names}
        return sorted(name for name in self.source if name.startswith(prefix) and name not in known)
