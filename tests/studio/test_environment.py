"""How settings are read: from variables, from files, and never half."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from studio import checks
from studio.environment import Environment

ROOT = Path(__file__).resolve().parents[2]


def run_manage(*words: str, data_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """manage.py in a process of its own, with nothing of this run's environment but the search path."""
    given = {"PATH": os.environ["PATH"], "STUDIO_ENV_FILE": os.devnull, "STUDIO_DATA_DIR": str(data_dir), **variables}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_value_comes_from_the_variable() -> None:
    env = Environment({"STUDIO_PORT": " 8080 ", "STUDIO_DEBUG": "Yes", "STUDIO_HOSTS": "a.example, b.example,"})

    assert env.int("STUDIO_PORT", default=1) == 8080
    assert env.bool("STUDIO_DEBUG", default=False) is True
    assert env.list("STUDIO_HOSTS", default=[]) == ["a.example", "b.example"]
    assert env("STUDIO_ELSE", default="as it was") == "as it was"
    assert env.problems == {}


def test_an_empty_value_counts_as_not_given() -> None:
    env = Environment({"STUDIO_PORT": "", "STUDIO_DEBUG": "  "})

    assert env.int("STUDIO_PORT", default=8000) == 8000
    assert env.bool("STUDIO_DEBUG", default=True) is True
    assert env.problems == {}


def test_a_secret_comes_from_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("$not-a-variable\n")
    env = Environment({"STUDIO_SECRET_KEY_FILE": str(tmp_path / "secret"), "STUDIO_SECRET_KEY": "the file wins"})

    assert env("STUDIO_SECRET_KEY", default="") == "$not-a-variable"


def test_a_file_that_is_not_there_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    env = Environment({"STUDIO_SECRET_KEY_FILE": str(tmp_path / "nowhere")})

    assert env("STUDIO_SECRET_KEY", default="fallback") == "fallback"
    assert env.problems == {
        "STUDIO_SECRET_KEY": "STUDIO_SECRET_KEY_FILE names a file that cannot be read (FileNotFoundError): give the path of a text file."
    }


@pytest.mark.parametrize(
    ("reader", "text", "sentence"),
    [
        ("int", "eight", "X must be a whole number, not “eight”."),
        ("float", "1,5", "X must be a number, not “1,5”."),
        ("bool", "perhaps", "X must be 1 or 0 (true or false), not “perhaps”."),
    ],
)
def test_nonsense_is_a_sentence_and_the_default_stands_in(reader: str, text: str, sentence: str) -> None:
    env = Environment({"X": text})

    assert getattr(env, reader)("X", default=7) == 7
    assert env.problems == {"X": sentence}


def test_a_time_zone_that_does_not_exist() -> None:
    env = Environment({"STUDIO_TIME_ZONE": "Mars/Olympus", "OTHER": "Europe/Madrid"})

    assert env.zone("STUDIO_TIME_ZONE", default="UTC") == "UTC"
    assert env.zone("OTHER", default="UTC") == "Europe/Madrid"
    assert list(env.problems) == ["STUDIO_TIME_ZONE"]


def test_addresses_of_a_database_and_a_mail_server() -> None:
    env = Environment({"DATABASE_URL": "postgres://u:p%40ss@db:5433/studio?sslmode=require", "MAIL": "smtp+tls://u:p@mail.example:587"})

    database = env.database("DATABASE_URL", default={})
    mail = env.mail("MAIL", default={})

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["USER"], database["PASSWORD"]) == ("db", 5433, "u", "p@ss")
    assert database["OPTIONS"] == {"sslmode": "require"}
    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"], mail["EMAIL_USE_TLS"]) == ("mail.example", 587, True)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("DATABASE_URL", "mysql://u:hunter2@db/studio", "DATABASE_URL asks for a database that the studio does not know: leave it out"),
        ("STUDIO_EMAIL_URL", "smtp://", "STUDIO_EMAIL_URL names no mail server: write it like smtp+tls://"),
    ],
)
def test_an_address_that_can_be_read_but_makes_no_sense_is_refused_with_a_sentence(name: str, text: str, says: str) -> None:
    env = Environment({name: text})
    read = env.database if name == "DATABASE_URL" else env.mail

    assert read(name, default={"KEPT": "yes"}) == {"KEPT": "yes"}
    assert env.problems[name].startswith(says)
    assert "hunter2" not in env.problems[name]


@pytest.mark.parametrize("text", ["nonsense", "gopher://x/y", "://"])
def test_an_address_that_cannot_be_read_is_not_repeated(text: str) -> None:
    env = Environment({"DATABASE_URL": f"{text}hunter2"})

    assert env.database("DATABASE_URL", default={"ENGINE": "d"}) == {"ENGINE": "d"}
    assert "hunter2" not in env.problems["DATABASE_URL"]


def test_a_variable_that_nobody_asked_for_is_unknown() -> None:
    env = Environment({"STUDIO_PORT": "1", "STUDIO_SINGUP": "open", "STUDIO_PORT_FILE": "", "OTHER": "x"})
    env.int("STUDIO_PORT", default=0)

    assert env.unknown("STUDIO_") == ["STUDIO_SINGUP"]


def test_settings_checks_and_example_know_the_same_variables() -> None:
    example = (ROOT / "docker" / "env.example").read_text()
    explained = re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)
    checked = {rule.name for rule in checks.RULES} | checks.CHECKED_WHEN_READ

    assert len(explained) == len(set(explained))
    assert set(explained) == settings.ENVIRONMENT.names
    assert checked == settings.ENVIRONMENT.names


def test_nonsense_stops_the_studio_with_sentences(tmp_path: Path) -> None:
    done = run_manage("check", data_dir=tmp_path, STUDIO_SIGNUP="everybody", STUDIO_PORT="zwei", STUDIO_SINGUP="open")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "(studio.STUDIO_SIGNUP) STUDIO_SIGNUP is “everybody”." in done.stderr
    assert "Choose one of: open, invitation, closed." in done.stderr
    assert "(studio.STUDIO_PORT) STUDIO_PORT must be a whole number, not “zwei”." in done.stderr
    assert "(studio.unknown) STUDIO_SINGUP is not a setting of the studio." in done.stderr


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run_manage("check", data_dir=tmp_path / "file" / "data")

    assert done.returncode == 1
    assert done.stderr.startswith("The studio is not set up right: STUDIO_DATA_DIR:")
    assert "Traceback" not in done.stderr


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    words = ("shell", "-v0", "--no-imports", "-c", "from django.conf import settings; print(settings.SECRET_KEY)")
    first = run_manage(*words, data_dir=tmp_path)
    second = run_manage(*words, data_dir=tmp_path)

    key = (tmp_path / "secret_key").read_text()
    assert len(key) >= 80
    assert first.stdout.strip() == second.stdout.strip() == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_deployment_as_the_readme_describes_it_passes_every_check(tmp_path: Path) -> None:
    done = run_manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        data_dir=tmp_path,
        STUDIO_URL="https://studio.example",
        STUDIO_TRUSTED_PROXIES="1",
        STUDIO_EMAIL_URL="smtp://mail.example:25",
        STUDIO_METRICS_TOKEN="a-token-for-this-test-only",
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_an_address_with_tls_secures_cookies_redirects_and_browsers(tmp_path: Path) -> None:
    names = "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS SECURE_PROXY_SSL_HEADER ALLOWED_HOSTS DEBUG"
    code = f"from django.conf import settings as s; print([getattr(s, n) for n in {names.split()!r}])"
    words = ("shell", "-v0", "--no-imports", "-c", code)

    plain = run_manage(*words, data_dir=tmp_path)
    secure = run_manage(*words, data_dir=tmp_path, STUDIO_URL="https://studio.example", STUDIO_TRUSTED_PROXIES="1")

    hosts = ["localhost", "localhost", "127.0.0.1", "[::1]"]
    assert plain.stdout.strip() == str([False, False, False, 0, None, hosts, False])
    assert secure.stdout.strip() == str([True, True, True, 31536000, ("HTTP_X_FORWARDED_PROTO", "https"), ["studio.example"], False])
