"""Every write to a job, each one conditional UPDATE that names the state (and the attempt) it starts from."""

from studio.generation.services.claiming import abandon, claim, heartbeat, mark_sent, note_submitted, reap, record_progress, requeue
from studio.generation.services.settling import cancel, fail, finish_canceled, succeed
from studio.generation.services.submitting import retry, submit

__all__ = [
    "abandon",
    "cancel",
    "claim",
    "fail",
    "finish_canceled",
    "heartbeat",
    "mark_sent",
    "note_submitted",
    "reap",
    "record_progress",
    "requeue",
    "retry",
    "submit",
    "succeed",
]
