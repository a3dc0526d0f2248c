"""Ask the provider something: with a healthy key, within its limits, again where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from studio.backends.base import IsCanceled
from studio.backends.errors import BackendError, CoolingDown, KeyRefused, ProviderOutOfCredits, RateLimited
from studio.backends.stability.calls import Answer, Call
from studio.backends.stability.client import Client
from studio.backends.stability.clock import Sleep
from studio.backends.stability.errors import error_of
from studio.backends.stability.keys import KeyRing
from studio.backends.stability.retries import DELAYS, Jitter, with_retries


class Reply(NamedTuple):
    """A good answer, and the `Key.id` it was got with."""

    answer: Answer
    key_id: str


def nobody_cancels() -> bool:
    return False


def _nothing() -> None:
    pass


def once(function: Callable[[], None]) -> Callable[[], None]:
    """The function, for one thread, without what it does from the second time on; a time that raised does not count."""
    done = False

    def call() -> None:
        nonlocal done
        if not done:
            function()
            done = True

    return call


class Provider:
    """Everything that leaves for the provider goes through `ask`."""

    def __init__(self, client: Client, keys: KeyRing, *, sleep: Sleep, jitter: Jitter) -> None:
        self._client, self.keys, self._sleep, self._jitter = client, keys, sleep, jitter

    def ask(
        self,
        call: Call,
        *,
        is_canceled: IsCanceled = nobody_cancels,
        on_sent: Callable[[], None] = _nothing,
        names: Mapping[str, str] | None = None,
        key_id: str = "",
        patient: bool = True,
    ) -> Reply:
        """Send a call until there is an answer (`retries`), or only once for whoever is not `patient`.

        `on_sent` is called before each time it leaves. `names` are the studio's names of settings by the provider's, for what an error
        says of them.

        Raises `BackendError`. A long cool-down is not waited for: `CoolingDown` says how long it takes.
        """

        def attempt() -> Reply:
            tried: set[str] = set()
            while True:
                with self.keys.lease(is_canceled, key_id, without=tried) as lease:
                    answer = self._client.send(call, lease.key, on_sent=on_sent, on_left=lease.left)
                error = error_of(answer, names or {})
                self.keys.note(lease.key, error)
                if error is None:
                    return Reply(answer, lease.key.id)
                if isinstance(error, RateLimited) and (seconds := self.keys.cooling(key_id)) > DELAYS[-1]:
                    raise CoolingDown(retry_after=seconds)
                tried.add(lease.key.id)
                # The next key may be good, or belong to an account with credits.
                if not isinstance(error, KeyRefused | ProviderOutOfCredits) or not self.keys.has_another(key_id, tried):
                    raise error

        def is_passing(error: BackendError) -> bool:
            return patient and (not isinstance(error, RateLimited) or self.keys.cooling(key_id) <= DELAYS[-1])

        return with_retries(attempt, is_passing=is_passing, sleep=self._sleep, jitter=self._jitter, is_canceled=is_canceled)
