"""A studio that is backed up, lost and restored: by the commands themselves, into another database and another storage."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from billing.models import Hold, LedgerEntry
from studio.backup import database, files
from studio.generation.files import save_input
from studio.generation.images import clean_upload
from studio.generation.models import Artifact, InputFile, Job
from studio.generation.services import cancel
from studio.processes.locks import FileLock
from studio.webhooks import services as webhooks
from studio.webhooks.models import Delivery, Endpoint, Event
from tests.factories import draw, make_artifacts, make_job

ROOT = Path(__file__).resolve().parents[2]
ROWS = (User, Team, Job, Artifact, InputFile, Hold, LedgerEntry, Endpoint, Delivery)


@pytest.fixture
def pictures(transactional_db: None, settings: Any, team: Team, alice: User, bob: User) -> list[Artifact]:
    """Pictures small and large, a waiting job with its hold, an upload, and an endpoint that something is still to be told."""
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    webhooks.make_endpoint(team, by=alice, url="http://127.0.0.1:9/hook", events=[str(one) for one in Event])
    made = [*make_artifacts(team, alice, 3, prompt="a lighthouse at dusk"), *make_artifacts(team, bob, width=1200, height=1100)]
    make_job(team, bob)
    cancel(make_job(team, bob))
    save_input(clean_upload(io.BytesIO(draw(80, 60))), team=team, user=alice)
    assert Delivery.objects.count() == 1
    return made


class Elsewhere:
    """Another, empty studio: a data folder and a database of its own, used through `manage.py` in processes of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        self.environment = {**kept, "STUDIO_DATA_DIR": str(data_dir)}
        self.name = ""
        if connection.vendor == "postgresql":
            given = connection.settings_dict
            self.name = f"{given['NAME']}_restored"
            who = f"{given['USER']}:{given['PASSWORD']}" if given["PASSWORD"] else given["USER"]
            self.environment["DATABASE_URL"] = f"postgres://{who}@{given['HOST']}:{given['PORT'] or 5432}/{self.name}"

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=300)

    def ask(self, code: str) -> Any:
        """What the last line of this Python prints there, read as JSON."""
        done = self.manage("shell", "--no-imports", "-c", f"import json\n{code}")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def media(self) -> Path:
        return self.data_dir / "media"


@pytest.fixture
def elsewhere(tmp_path: Path, transactional_db: None) -> Iterator[Elsewhere]:
    """SQLite makes its file itself; PostgreSQL is asked for a database, which is dropped again."""
    studio = Elsewhere(tmp_path / "elsewhere")
    if not studio.name:
        yield studio
        return
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{studio.name}"')
        cursor.execute(f'CREATE DATABASE "{studio.name}"')
    try:
        yield studio
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{studio.name}" WITH (FORCE)')


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def media() -> dict[str, bytes]:
    return contents(Path(django_settings.MEDIA_ROOT))


# --- there and back --------------------------------------------------------------------------------------------------


def test_all_that_was_lost_is_there_again(pictures: list[Artifact], team: Team, elsewhere: Elsewhere, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    before = {model.__name__: model.objects.count() for model in ROWS}

    done = elsewhere.manage("restore", str(folder))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The books agree:" in done.stdout
    assert "holds (1 active)." in done.stdout
    assert done.stdout.splitlines()[-1] == "Every file is there."
    assert contents(elsewhere.media) == media()
    imports = "\n".join(f"from {model.__module__} import {model.__name__}" for model in ROWS)
    counts, found = elsewhere.ask(
        f"{imports}\nfrom studio.galleries import search\nfrom studio.galleries.criteria import Criteria\n"
        f"counts = {{model.__name__: model.objects.count() for model in ({', '.join(before)})}}\n"
        f"found = search.find({team.pk}, Criteria(text='lighthouse'), span=search.Span(), limit=9)\n"
        "print(json.dumps([counts, sorted(str(one) for one in found)]))"
    )
    assert counts == before
    assert found == sorted(str(one.pk) for one in pictures[:3])


def test_an_older_copy_can_be_chosen(pictures: list[Artifact], team: Team, alice: User, elsewhere: Elsewhere, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    [first] = folder.glob(f"*.{database.suffix()}")
    first = first.rename(first.with_name(f"20260101-000000{first.suffix}"))
    make_artifacts(team, alice)
    call_command("backup", str(folder))

    done = elsewhere.manage("restore", str(folder), "--dump", first.name)

    assert done.returncode == 0, done.stdout + done.stderr
    assert elsewhere.ask("from studio.generation.models import Artifact\nprint(Artifact.objects.count())") == 4


# --- what a backup leaves behind -------------------------------------------------------------------------------------


def test_a_second_backup_copies_only_what_is_new(
    pictures: list[Artifact], team: Team, alice: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    first = len(media())
    assert f"Files: {first} new, 0 known, 0 forgotten. Older copies of the database deleted: 0." in capsys.readouterr().out
    make_artifacts(team, alice)

    call_command("backup", str(folder))

    assert f"Files: {len(media()) - first} new, {first} known," in capsys.readouterr().out
    assert contents(folder / "files") == media()


def test_a_picture_that_is_erased_during_the_backup_is_in_it(
    pictures: list[Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is in the dump, and nobody has its files any more: the copy that was made before has."""
    dump = database.dump
    name = pictures[0].variant("original")

    def dump_and_erase(path: Path) -> None:
        dump(path)
        default_storage.delete(name)

    monkeypatch.setattr(database, "dump", dump_and_erase)

    call_command("backup", str(tmp_path / "backups"))

    assert (tmp_path / "backups" / "files" / name).is_file()


def test_what_comes_during_the_backup_is_in_it(
    pictures: list[Artifact], team: Team, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = database.dump
    late: list[Artifact] = []

    def make_and_dump(path: Path) -> None:
        late.extend(make_artifacts(team, alice))
        dump(path)

    monkeypatch.setattr(database, "dump", make_and_dump)

    call_command("backup", str(tmp_path / "backups"))

    assert (tmp_path / "backups" / "files" / late[0].variant("original")).is_file()


def test_a_file_that_was_copied_while_it_was_written_is_copied_again(pictures: list[Artifact], tmp_path: Path) -> None:
    """Seen to stay cut off for ever: a file that is there was taken for known."""
    mirror, source = tmp_path / "backups" / "files", Path(default_storage.path(pictures[0].variant("original")))
    whole = source.read_bytes()
    source.write_bytes(whole[:100])
    files.copy_out(mirror)
    source.write_bytes(whole)
    assert files.copy_out(mirror).new == 1
    assert contents(mirror) == media()


def test_what_was_deleted_is_forgotten_when_no_copy_names_it_any_more(pictures: list[Artifact], tmp_path: Path) -> None:
    mirror = tmp_path / "backups" / "files"
    files.copy_out(mirror)
    name = pictures[0].variant("original")
    default_storage.delete(name)
    now = timezone.now()

    assert files.forget(mirror, now, timedelta(days=30)) == 0
    assert files.forget(mirror, now + timedelta(days=29), timedelta(days=30)) == 0
    assert (mirror / name).is_file()
    assert files.forget(mirror, now + timedelta(days=30), timedelta(days=30)) == 1
    assert not (mirror / name).exists()
    assert contents(mirror) == media()


def test_old_copies_of_the_database_go_and_the_newest_stays(pictures: list[Artifact], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    [old] = folder.glob(f"*.{database.suffix()}")
    old = old.rename(old.with_name(f"20260101-000000{old.suffix}"))
    long_ago = (timezone.now() - timedelta(days=8)).timestamp()
    os.utime(old, (long_ago, long_ago))

    call_command("backup", str(folder), keep_days=7)

    assert not old.exists()
    assert len(list(folder.glob(f"*.{database.suffix()}"))) == 1


def test_nobody_else_on_the_machine_reads_it(pictures: list[Artifact], tmp_path: Path) -> None:
    folder = tmp_path / "backups"

    call_command("backup", str(folder))

    assert folder.stat().st_mode & 0o077 == 0
    [copy] = folder.glob(f"*.{database.suffix()}")
    assert copy.stat().st_mode & 0o077 == 0


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_database_that_is_not_empty_is_left_alone(pictures: list[Artifact], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    before = {model: model.objects.count() for model in ROWS}

    with pytest.raises(CommandError, match="is not empty, and nothing was changed"):
        call_command("restore", str(folder))

    assert {model: model.objects.count() for model in ROWS} == before


def test_a_copy_that_is_damaged_restores_nothing(pictures: list[Artifact], elsewhere: Elsewhere, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    call_command("backup", str(folder))
    [copy] = folder.glob(f"*.{database.suffix()}")
    copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 3])

    done = elsewhere.manage("restore", str(folder))

    assert done.returncode == 1
    assert "CommandError: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not elsewhere.media.exists()
    assert elsewhere.ask("from django.db import connection\nprint(json.dumps(connection.introspection.table_names()))") == []


def test_a_copy_of_another_kind_of_database_is_refused(pictures: list[Artifact], elsewhere: Elsewhere, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    other = "sqlite3" if database.suffix() == "dump" else "dump"
    (folder / f"20260101-000000.{other}").write_bytes(b"")

    none = elsewhere.manage("restore", str(folder))
    named = elsewhere.manage("restore", str(folder), "--dump", f"20260101-000000.{other}")

    assert f"There is no copy of {connection.display_name} (*.{database.suffix()})" in none.stderr
    assert f"20260101-000000.{other} is not a copy of {connection.display_name}" in named.stderr
    assert (none.returncode, named.returncode) == (1, 1)


def test_two_backups_at_once_are_one(pictures: list[Artifact], tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    lock = FileLock(folder / "backup.lock")
    lock.note()

    with pytest.raises(CommandError, match=f"Another backup \\(process {os.getpid()}\\) writes into"):
        call_command("backup", str(folder))

    lock.release()
    assert [path.name for path in folder.iterdir()] == ["backup.lock"]


def test_files_that_are_missing_are_named(pictures: list[Artifact], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_files")
    assert capsys.readouterr().out == "Every file is there.\n"
    lost = [pictures[3].variant("large"), InputFile.objects.get().file]
    for name in lost:
        default_storage.delete(name)

    with pytest.raises(CommandError, match=r"^2 files are missing\.$"):
        call_command("check_files")

    assert capsys.readouterr().out.splitlines() == lost
