"""Every write to a job, each one conditional UPDATE that names the state (and the attempt) it starts from."""

from studio.generation.services.batches import (
    BatchQuote,
    Item,
    cancel_rest,
    end_paused,
    go_on,
    leave,
    pause,
    quote_batch,
    quote_failed,
    refused_items,
    retry_failed,
    submit_batch,
)
from studio.generation.services.claiming import (
    abandon,
    claim,
    heartbeat,
    mark_sent,
    note_submitted,
    reap,
    record_progress,
    requeue,
    ring_due,
    time_out,
)
from studio.generation.services.deciding import approve, decline, lapse, withdraw
from studio.generation.services.erasing import erase_inputs, erase_team, erase_words, stop_team
from studio.generation.services.queues import move_up, pause_queue, resume_queue, stop_as_operator
from studio.generation.services.settling import cancel, fail, finish_canceled, succeed
from studio.generation.services.sheets import draw_due_sheets, draw_sheet
from studio.generation.services.stranded import end_stranded
from studio.generation.services.submitting import finish, retry, submit

__all__ = [
    "BatchQuote",
    "Item",
    "abandon",
    "approve",
    "cancel",
    "cancel_rest",
    "claim",
    "decline",
    "draw_due_sheets",
    "draw_sheet",
    "end_paused",
    "end_stranded",
    "erase_inputs",
    "erase_team",
    "erase_words",
    "fail",
    "finish",
    "finish_canceled",
    "go_on",
    "heartbeat",
    "lapse",
    "leave",
    "mark_sent",
    "move_up",
    "note_submitted",
    "pause",
    "pause_queue",
    "quote_batch",
    "quote_failed",
    "reap",
    "record_progress",
    "refused_items",
    "requeue",
    "resume_queue",
    "retry",
    "retry_failed",
    "ring_due",
    "stop_as_operator",
    "stop_team",
    "submit",
    "submit_batch",
    "succeed",
    "time_out",
    "withdraw",
]
