"""The Stability REST API (`stability/API.md` and the OpenAPI files beside it are the contract).

backend     engines, generate, resume, balance     engines/    every engine as a capability record with its endpoints
translate/  a request as calls, answers as media   calls       one HTTP call and its answer
bundle      the calls of one request side by side  jobs        submit once, then poll
provider    asks: with a key, a turn, retries      client      the one place that speaks HTTP
keys        several keys, each with its health     limiter     150 calls in 10 s, in process; redis_limiter  over all workers
retries     what may be tried again                errors      answers that are no result
account     balance, and the engines it has        clock       waiting that hears Stop
"""

from studio.backends.stability.backend import StabilityBackend

__all__ = ["StabilityBackend"]
