"""The supervisor over real processes: what it starts, restarts and stops, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from studio.processes.child import MISCONFIGURED, RESTART_PLEASE
from studio.processes.program import describe_end, end_leftovers
from tests.processes.supervised import PATIENCE, ROOT

SITE = ["web", "serve()", 1, 5, True]
WORKER = ["local", "serve()", 0, 5, False]


# --- starting --------------------------------------------------------------------------------------------------------
def test_the_essential_one_is_ready_before_the_others_start_and_everybodys_words_bear_their_name(supervise):
    studio = supervise(WORKER, SITE)
    studio.born("web")
    studio.hears(r"^atelier \| web is ready$")
    studio.born("local")
    studio.hears(r"^atelier \| local is ready$")
    assert [line.split("|")[0].strip() for line in studio.lines] == ["web", "atelier", "local", "atelier"]


def test_children_are_out_of_the_reach_of_a_terminals_ctrl_c(supervise):
    studio = supervise(SITE)
    child = studio.born("web")
    import os

    assert os.getpgid(child.pid) == child.pid


# --- restarting ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["web", "local"])
def test_a_killed_child_is_started_again_and_the_other_is_left_alone(supervise, name):
    studio = supervise(SITE, WORKER)
    first = {"web": studio.born("web"), "local": studio.born("local")}
    first[name].kill()
    studio.hears(rf"^atelier \| {name} was ended by SIGKILL; starting it again\.$")
    second = studio.born(name)
    assert second.pid != first[name].pid
    [other] = first.keys() - {name}
    assert first[other].is_running()
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0


def test_one_that_hangs_is_ended_and_started_again_and_the_other_is_left_alone(supervise, tmp_path):
    studio = supervise(SITE, WORKER, hang=str(tmp_path))
    site, worker = studio.born("web"), studio.born("local")
    worker.suspend()  # nothing but SIGKILL reaches it
    (tmp_path / str(worker.pid)).touch()
    studio.hears(r"^atelier \| local hangs: it has not been heard of for 300 s, though the database answers\. Ending it\.$")
    studio.hears(r"^atelier \| local was ended by SIGKILL; starting it again\.$")
    assert studio.born("local").pid != worker.pid
    assert site.is_running()
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0


def test_a_child_that_asks_to_be_started_anew_is_so_without_a_pause(supervise, tmp_path):
    code = f"""
import pathlib
count = pathlib.Path({str(tmp_path / "count")!r})
count.write_text(count.read_text() + "x" if count.exists() else "x")
if len(count.read_text()) < 8:
    sys.exit({RESTART_PLEASE})
serve()
"""
    studio = supervise(["local", code, 0, 5, False])
    for _ in range(7):
        studio.hears(r"local asked to be started anew; starting it again\.")
    studio.born("local")
    assert not any("in a row" in line for line in studio.lines)


def test_a_worker_that_crashes_again_and_again_is_told_of_and_waits_longer(supervise):
    studio = supervise(SITE, ["local", "print('no such model'); sys.exit(3)", 0, 5, False])
    site = studio.born("web")
    for _ in range(4):
        studio.hears(r"local ended with status 3; starting it again\.")
    studio.hears(r"^local +\| no such model$")
    studio.hears(r"local ended with status 3, 5 times in a row; next try in 1 s\.")
    assert site.is_running()
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0


def test_a_site_that_cannot_start_at_all_ends_everything_and_says_so(supervise):
    studio = supervise(["web", "print('wrong settings'); sys.exit(1)", 1, 5, True], WORKER)
    studio.hears(r"web does not start: it ended 5 times in a row\. The lines above say why\.")
    assert studio.ends() == 1
    assert not any(line.startswith("local") for line in studio.lines)


def test_a_child_whose_set_up_is_wrong_is_not_started_again(supervise):
    studio = supervise(SITE, ["local", f"sys.exit({MISCONFIGURED})", 0, 5, False])
    site = studio.born("web")
    studio.hears(r"local ended with status 78: its set-up is wrong, and it is not started again\.")
    assert site.is_running()
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0
    assert sum("local ended" in line for line in studio.lines) == 1


# --- stopping --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_workers_stop_before_the_site_and_nothing_is_left(supervise, number):
    studio = supervise(SITE, WORKER, ["remote", "serve()", 0, 5, False])
    for name in ("web", "local", "remote"):
        studio.born(name)
    studio.signal(number)
    assert studio.ends() == 0
    byes = [line.split("|")[0].strip() for line in studio.lines if "| bye" in line]
    assert sorted(byes[:2]) == ["local", "remote"]
    assert byes[2:] == ["web"]


def test_kill_9_of_the_supervisor_ends_its_children_too(supervise):
    studio = supervise(SITE, WORKER)
    studio.born("web")
    studio.born("local")
    studio.signal(signal.SIGKILL)
    assert studio.ends() == -signal.SIGKILL


def test_a_child_that_does_not_listen_is_ended_when_patience_is(supervise):
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', os.getpid(), flush=True); say_ready()\nwhile True: signal.pause()"
    studio = supervise(SITE, ["local", deaf, 0, 0.2, False])
    studio.born("web")
    studio.born("local")
    studio.signal(signal.SIGTERM)
    studio.hears(r"local does not stop by itself; ending it\.")
    assert studio.ends() == 0
    assert any(line.startswith("web") and "bye" in line for line in studio.lines)


def test_a_second_ctrl_c_ends_everything_at_once(supervise):
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', os.getpid(), flush=True); say_ready()\nwhile True: signal.pause()"
    studio = supervise(SITE, ["local", deaf, 0, 3600, False])
    studio.born("web")
    studio.born("local")
    studio.signal(signal.SIGINT)
    studio.hears(r"Stopping\. What is unfinished goes on at the next start\.")
    studio.signal(signal.SIGINT)
    studio.hears(r"Stopping at once\.")
    assert studio.ends() == 0


def test_what_a_child_started_itself_goes_with_it(supervise):
    code = "import subprocess; c = subprocess.Popen(['sleep', '1000']); print('grandchild', c.pid, flush=True)\nserve()"
    studio = supervise(["local", code, 0, 5, False])
    pid = int(studio.hears(r"grandchild (\d+)")[1])
    studio.family[pid] = psutil.Process(pid)
    studio.born("local").kill()
    studio.hears("starting it again")
    psutil.wait_procs([studio.family[pid]], timeout=PATIENCE)
    assert not studio.family[pid].is_running()


def test_a_terminal_that_went_away_is_no_reason_to_fall_over():
    command = [sys.executable, "-m", "tests.processes.supervised", json.dumps([SITE])]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(command, cwd=ROOT, env=buffered, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    pid = int(re.search(rb"up (\d+)", process.stdout.readline())[1])
    process.stdout.close()
    site = psutil.Process(pid)
    site.kill()  # there is something to say, and nobody to read it
    psutil.wait_procs([site], timeout=PATIENCE)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def test_a_stop_between_two_attempts_of_a_crashing_child_stops(supervise):
    studio = supervise(["local", "sys.exit(3)", 0, 5, False])
    studio.hears(r"5 times in a row; next try in")
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0


# --- leftovers -------------------------------------------------------------------------------------------------------
def test_only_a_process_that_really_is_the_left_one_is_ended():
    left, other = (subprocess.Popen(["sleep", "1000"]) for _ in range(2))
    try:
        born = psutil.Process(left.pid).create_time()
        assert end_leftovers([[left.pid, born], [other.pid, born - 1000], [2**22 + 1, 0.0]]) == 1
        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with status 0"), (-9, "was ended by SIGKILL"), (-63, "was ended by signal 63"), (75, "asked to be started anew")],
)
def test_an_end_is_said_in_words(status, words):
    assert describe_end(status) == words
