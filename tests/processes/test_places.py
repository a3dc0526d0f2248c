"""Where processes meet, who may be there, and who holds what."""

import os
import stat
import subprocess
import sys

import pytest

from studio.processes.listen import PortRefused, PortTaken, open_sockets
from studio.processes.locks import AlreadyHeld, FileLock
from studio.processes.places import LONGEST_SOCKET_NAME, LONGEST_SOCKET_PATH, run_dir


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- the folder for sockets ------------------------------------------------------------------------------------------
def test_sockets_lie_in_the_data_folder_where_only_its_owner_may_enter(settings, short_dir):
    settings.DATA_DIR = short_dir
    assert run_dir() == short_dir / "run"
    assert mode(run_dir()) == 0o700


def test_a_long_path_gets_a_short_private_folder_that_every_process_finds(settings, tmp_path):
    settings.DATA_DIR = tmp_path / ("x" * 80)
    settings.DATA_DIR.mkdir()
    folder = run_dir()
    assert len(os.fsencode(folder)) + 1 + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
    assert mode(folder) == 0o700
    assert (settings.DATA_DIR / "run.path").read_text().strip() == str(folder)
    code = "import sys; from pathlib import Path; from studio.processes.places import _make; print(_make(Path(sys.argv[1])))"
    other = subprocess.run([sys.executable, "-c", code, str(settings.DATA_DIR)], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str(folder)
    folder.rmdir()


def test_a_short_folder_that_is_gone_or_open_to_others_is_not_trusted(settings, tmp_path):
    settings.DATA_DIR = tmp_path / ("y" * 80)
    settings.DATA_DIR.mkdir()
    first = run_dir()
    first.chmod(0o777)
    second = run_dir()
    assert second != first
    second.rmdir()
    third = run_dir()
    assert third not in (first, second)
    assert mode(third) == 0o700
    for folder in (first, third):
        folder.rmdir()


# --- locks -----------------------------------------------------------------------------------------------------------
def test_the_second_is_refused_and_told_who_holds_it(tmp_path):
    lock = FileLock(tmp_path / "up.lock")
    lock.note(url="http://localhost:8000")
    with pytest.raises(AlreadyHeld) as refused:
        FileLock(tmp_path / "up.lock")
    assert refused.value.holder == {"pid": os.getpid(), "url": "http://localhost:8000"}
    lock.release()
    assert FileLock(tmp_path / "up.lock").left_behind == {}


def test_a_holder_that_was_killed_leaves_its_note_and_not_its_lock(tmp_path):
    path = tmp_path / "up.lock"
    code = (
        "import os, sys; from pathlib import Path; from studio.processes.locks import FileLock;"
        "FileLock(Path(sys.argv[1])).note(url='http://localhost:1'); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert killed.returncode == -9
    left = FileLock(path).left_behind
    assert left["url"] == "http://localhost:1"
    assert left["pid"] != os.getpid()


def test_a_note_that_makes_no_sense_is_no_reason_to_fail(tmp_path):
    (tmp_path / "up.lock").write_text("half a no")
    assert FileLock(tmp_path / "up.lock").left_behind == {}


# --- listening -------------------------------------------------------------------------------------------------------
@pytest.fixture
def listening():
    opened = []

    def listen(bind, port):
        sockets = open_sockets(bind, port)
        opened.extend(sockets)
        return sockets

    yield listen
    for one in opened:
        one.close()


def test_port_0_picks_one_free_port_for_both_addresses_of_localhost(listening):
    sockets = listening("127.0.0.1", 0)
    assert len({one.getsockname()[1] for one in sockets}) == 1
    assert sockets[0].getsockname()[0] == "127.0.0.1"
    assert [one.getsockname()[0] for one in sockets[1:]] in ([], ["::1"])


@pytest.mark.parametrize("taken", [0, -1])
def test_a_taken_port_is_refused_with_a_way_out_and_nothing_stays_open(listening, taken):
    """Also when only one of the two addresses is taken: `localhost` would lead half of the browsers to the other program."""
    sockets = listening("127.0.0.1", 0)
    port = sockets[taken].getsockname()[1]
    for one in sockets:
        if one is not sockets[taken]:
            one.close()
    with pytest.raises(PortTaken, match=rf"Port {port} is taken by another program.*PORT="):
        open_sockets("127.0.0.1", port)
    sockets[taken].close()
    assert len(listening("127.0.0.1", port)) == len(sockets)


def test_an_address_that_is_not_ours_is_refused_in_words():
    with pytest.raises(PortRefused, match=r"Cannot listen on 192\.0\.2\.1"):
        open_sockets("192.0.2.1", 0)
