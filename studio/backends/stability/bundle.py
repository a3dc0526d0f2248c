"""The calls of one request, side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock

from studio.backends.base import GeneratedMedia, OnProgress, OnSent, Progress
from studio.backends.errors import BackendError, CoolingDown

Made = list[GeneratedMedia]


class _Sent:
    """Has `on_sent` called once, by the thread that reads `inbox`, and lets nobody go on before that is done."""

    def __init__(self, inbox: SimpleQueue[int | None]) -> None:
        self._inbox, self._lock, self._asked = inbox, Lock(), False
        self.answer: Future[None] = Future()

    def __call__(self) -> None:
        with self._lock:
            if not self._asked:
                self._asked = True
                self._inbox.put(None)
        self.answer.result()


def side_by_side(count: int, make: Callable[[int, OnSent], Made], *, on_progress: OnProgress, on_sent: OnSent) -> Made:
    """Call `make` with each place up to `count` on threads of their own, and return all that came of it.

    An error of one does not take the others' pictures along. When nothing came of any, the error of the first place is raised, but one
    that may have been billed before any other, a final one before one that may pass, and any before a rest. The callbacks are called on
    this thread: they may write to a database, and its connections belong to threads.
    """
    found: Made = []
    errors: dict[int, BackendError] = {}
    inbox: SimpleQueue[int | None] = SimpleQueue()
    sent = _Sent(inbox)
    with ThreadPoolExecutor(count, thread_name_prefix="stability") as pool:
        futures = [pool.submit(make, place, sent) for place in range(count)]
        for place, future in enumerate(futures):
            future.add_done_callback(lambda _, place=place: inbox.put(place))  # type: ignore[misc]
        done = 0
        while done < count:
            finished = inbox.get()
            if finished is None:
                _tell(on_sent, sent.answer)
                continue
            done += 1
            try:
                found += futures[finished].result()
            except BackendError as error:
                errors[finished] = error
            on_progress(Progress(done, count))
    if not found:
        raise min(errors.items(), key=_rank)[1]
    return sorted(found, key=lambda one: one.index)


def _rank(one: tuple[int, BackendError]) -> tuple[bool, bool, bool, int]:
    place, error = one
    return not error.may_be_billed, error.retryable, isinstance(error, CoolingDown), place


def _tell(on_sent: OnSent, answer: Future[None]) -> None:
    try:
        on_sent()
    except BaseException as error:
        answer.set_exception(error)
        raise
    answer.set_result(None)
