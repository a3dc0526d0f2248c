"""Which attempts are in work in a process, while one ends and the next one at the same job begins."""

from studio.generation.models import Job
from studio.generation.worker.running import Halt, RunningJobs
from studio.ids import uuid7


def attempts() -> tuple[Job, Job]:
    job_id = uuid7()
    return Job(id=job_id, attempt=1, worker="w"), Job(id=job_id, attempt=2, worker="w")


def test_what_was_asked_about_one_attempt_does_not_stop_the_next():
    running = RunningJobs()
    first, second = attempts()
    running.add([first])
    asked = running.jobs()
    running.remove(first)  # given back, and taken again before the answer is there
    running.add([second])
    running.note_held(asked, held=set(), canceled=set())
    assert running.halted(second) is None


def test_who_ends_one_attempt_does_not_take_the_next_out_of_care():
    running = RunningJobs()
    first, second = attempts()
    running.add([first])
    running.add([second])  # another thread took it as soon as it was given back
    running.remove(first)
    assert [one.attempt for one in running.jobs()] == [2]
    running.halt(second, Halt.CANCELED)
    assert running.halted(second) is Halt.CANCELED
