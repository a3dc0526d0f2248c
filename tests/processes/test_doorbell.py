"""The embedded mode's doorbell: lost, late, doubled and stale rings."""

import contextlib
import socket
import threading

import pytest

from studio.generation.dispatch import doorbell
from studio.generation.dispatch.local import LocalDoorbell
from studio.processes.places import run_dir


@pytest.fixture(autouse=True)
def own_data_dir(settings, short_dir):
    settings.DATA_DIR = short_dir


@pytest.fixture
def bell():
    return LocalDoorbell()


@pytest.fixture
def listen(bell):
    """`listen(*queues)`: a listener that is closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(*queues):
            listener = bell.listen(queues)
            stack.callback(listener.close)
            return listener

        yield make


def test_settings_name_the_doorbell(settings):
    settings.DOORBELL = "studio.generation.dispatch.local.LocalDoorbell"
    assert isinstance(doorbell(), LocalDoorbell)
    assert doorbell() is doorbell()


def test_a_ring_wakes_every_worker_of_its_queue_and_no_other(bell, listen):
    first, second, other = listen("null"), listen("null", "stability"), listen("diffusers")
    bell.wake("null")
    assert first.wait(5) is True
    assert second.wait(5) is True
    assert other.wait(0) is False


def test_a_worker_that_waits_already_is_woken(bell, listen):
    listener = listen("null")
    results = []
    thread = threading.Thread(target=lambda: results.append(listener.wait(20)))
    thread.start()
    bell.wake("null")
    thread.join(20)
    assert results == [True]


def test_a_ring_that_came_before_the_wait_is_not_lost(bell, listen):
    listener = listen("null")
    bell.wake("null")
    assert listener.wait(0) is True


def test_many_rings_count_as_one(bell, listen):
    listener = listen("null", "stability")
    for _ in range(500):  # far more than a datagram socket holds
        bell.wake("null")
        bell.wake("stability")
    assert listener.wait(0) is True
    assert listener.wait(0) is False


def test_a_queue_whose_name_starts_like_another_is_another(bell, listen):
    listener = listen("null-slow")
    bell.wake("null")
    assert listener.wait(0) is False


def test_nobody_listens(bell):
    bell.wake("null")
    assert list(run_dir().iterdir()) == []


def test_a_killed_workers_socket_is_swept_away_and_the_living_still_hear(bell, listen):
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = run_dir() / "null~999999-1"
    dead.bind(str(path))
    dead.close()
    listener = listen("null")
    bell.wake("null")
    assert listener.wait(5) is True
    assert not path.exists()


def test_a_folder_that_cannot_be_read_is_no_reason_to_fail(bell, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    settings.DATA_DIR = blocked / "inside"
    bell.wake("null")


def test_interrupt_ends_a_wait_without_a_ring(listen):
    listener = listen("null")
    results = []
    thread = threading.Thread(target=lambda: results.append(listener.wait(20)))
    thread.start()
    listener.interrupt()
    thread.join(20)
    assert results == [False]


def test_a_socket_that_somebody_tidied_away_comes_back(bell, listen):
    listener = listen("null")
    listener.paths[0].unlink()
    bell.wake("null")
    assert listener.wait(0) is False  # this ring is lost; the sweep covers it
    bell.wake("null")
    assert listener.wait(5) is True


def test_closing_leaves_nothing_behind(bell):
    listener = bell.listen(["null", "stability"])
    assert len(list(run_dir().iterdir())) == 2
    listener.close()
    assert list(run_dir().iterdir()) == []


@pytest.mark.parametrize("name", ["", "Null", "../x", "a~b", "x" * 25])
def test_a_name_that_makes_no_file_is_refused(bell, name):
    with pytest.raises(ValueError, match="no name for a queue"):
        bell.listen([name])
    assert list(run_dir().iterdir()) == []
