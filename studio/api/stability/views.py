"""One view for every address of the Stability API: the way of a request through it.

v2beta, as the provider was seen to do it (API.md 0): content type, size, parameters (400, 413), and then the key (401). v1, whose order is
not recorded: the key, the organization, the engine (404), then content type and parameters. After both: the rate (429), the scope of the
key, what the request is to the studio, approval, words and brand (403), the plan, budget and balance (402), and the job.

A request waits for its job without a thread (`studio.waiting`), `settings.API_ANSWER_SECONDS` at most. A client that hangs up loses
nothing: the work goes on, and the result is in the library. What is asked for asynchronously is noted as a `Generation` and fetched later.

What would need somebody's approval is refused where the answer is the result: nobody waits for days, and a program that was told no must
not be charged later. An asynchronous one waits for the decision, in progress until then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from structlog.contextvars import bind_contextvars

from accounts.keys import Caller
from billing.services import wallets
from studio.api import auth, limits
from studio.api.errors import TooMany
from studio.api.stability import account, asks, forms, older, refusals, results, v1_rules
from studio.api.stability.contract import Endpoint
from studio.api.stability.dialects import V1, Dialect, Refusal, dialect_of
from studio.api.stability.engines import engine_for
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Answer, Request
from studio.api.stability.operations import Operation, operation_of
from studio.api.waiting import until_over
from studio.backends import registry
from studio.generation import approving, services
from studio.generation.models import Job
from studio.pricing.prices import priced
from studio.waiting import Waiting

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request: as it came (`http`), as the contract reads it (`asked`), and the endpoint that it is for."""

    http: HttpRequest
    asked: Request
    endpoint: Endpoint
    dialect: Dialect
    place: Mapping[str, str]

    def respond(self, work: Callable[[], Answer | Waiting]) -> HttpResponse:
        """What `work` answers, or the error that became of it; never raises."""
        try:
            answer = work()
        except Refusal as refusal:
            answer = self.dialect.answer(refusal, self.asked)
        except refusals.Expected as error:
            answer = self.dialect.answer(refusals.of(self.dialect, self.endpoint, error), self.asked)
        except Exception:
            log.exception("stability_api_failed", path=self.endpoint.path, request_id=self.asked.request_id)
            answer = self.dialect.answer(self.dialect.server_error(), self.asked)
        return answer if isinstance(answer, Waiting) else response_of(answer, self.asked)


@csrf_exempt
def serve(http: HttpRequest) -> HttpResponse:
    asked = Request(http.method or "", http.path_info, {name.lower(): text for name, text in http.headers.items()}, b"", uuid4().hex)
    bind_contextvars(answer_id=asked.request_id)  # what a client quotes when it complains
    dialect = dialect_of(asked.path)
    found = older.match(asked.method, asked.path)
    if found is None:
        methods = older.methods_of(asked.path)
        refusal = refusals.wrong_method(methods) if methods else dialect.not_found()
        return response_of(dialect.answer(refusal, asked), asked)
    exchange = Exchange(http, asked, found[0], dialect, found[1])
    return exchange.respond(lambda: begin(exchange))


def begin(exchange: Exchange) -> Answer | Waiting:
    """Raises `Refusal`, and what `refusals.of` has words for."""
    if exchange.endpoint.method == "GET":
        return looked_up(exchange)
    exchange.asked.body = exchange.http.read()
    exchange.asked.size = len(exchange.asked.body)
    caller, operation, values = of_v1(exchange) if isinstance(exchange.dialect, V1) else of_v2beta(exchange)
    ask = asks.ask(operation.name, values, team=caller.team, user=caller.user)
    if operation.submits:
        return submitted(exchange, caller, operation, ask)
    require_no_approval(exchange, caller, ask)
    job = submit(caller, ask)
    if job.status == Job.Status.NEEDS_APPROVAL:  # a rule was made in this very moment
        services.cancel(job, for_all=True)
        raise refusals.needs_approval(exchange.dialect, f"{job.approval}.")
    return waiting(exchange, job.pk, ask.wanted)


# --- what is asked, and who asks -------------------------------------------------------------------------------------


def of_v2beta(exchange: Exchange) -> tuple[Caller, Operation, Mapping[str, Any]]:
    assert not isinstance(exchange.dialect, V1)
    reading = forms.read_v2beta(exchange.asked, exchange.endpoint, exchange.dialect)
    if reading.problems:
        raise exchange.dialect.bad_request(*reading.problems)
    return let_in(exchange, "generate"), operation_of(exchange.endpoint, reading.values), reading.values


def of_v1(exchange: Exchange) -> tuple[Caller, Operation, Mapping[str, Any]]:
    assert isinstance(exchange.dialect, V1)
    caller = let_in(exchange, "generate")
    operation, engine_id = operation_of(exchange.endpoint, {}), exchange.place["engine_id"]
    engine_for(operation.name, engine_id)
    reading: Reading = forms.read_v1(exchange.asked, exchange.endpoint, exchange.dialect)
    v1_rules.check(exchange.asked, reading, engine_id)
    return caller, operation, {**reading.values, "engine_id": engine_id}


def looked_up(exchange: Exchange) -> Answer:
    """What is read and makes nothing: any key that holds may."""
    if isinstance(exchange.dialect, V1):
        return account.answer(exchange.endpoint.path, let_in(exchange))
    if problems := forms.id_problems(exchange.asked, exchange.endpoint, exchange.place["id"]):
        raise exchange.dialect.bad_request(*problems)
    caller = let_in(exchange)
    return results.fetched(exchange.asked, exchange.endpoint, exchange.dialect, exchange.place["id"], caller)


def let_in(exchange: Exchange, scope: str = "") -> Caller:
    """Who asks: the key, how often it has asked, and whether it may. Raises what `auth.caller_of` does, `TooMany`, `ScopeMissing`."""
    if isinstance(exchange.dialect, V1) and not auth.secret_of(exchange.http):
        raise exchange.dialect.unauthorized("")
    # The account is the same whichever of its teams is meant (API.md 0).
    caller = auth.caller_of(exchange.http, at_home=exchange.endpoint.path == "/v1/user/account")
    try:
        exchange.http.standing = limits.stability_rule(caller.key)  # type: ignore[attr-defined]
    except TooMany as error:
        exchange.http.standing = error.standing  # type: ignore[attr-defined]
        raise
    if scope:
        caller.require(scope)
    return caller


# --- the job ---------------------------------------------------------------------------------------------------------


def require_no_approval(exchange: Exchange, caller: Caller, ask: asks.Ask) -> None:
    """Raises `Refusal` before anything is held and anybody is asked."""
    request = ask.request
    [engine] = priced([registry.engine(request.engine)])
    wallet, amount = wallets.wallet_of(caller.team), engine.quote(request).amount
    why = approving.why(wallet, caller.user, amount=amount, pictures=request.num_images, engine=engine.id, mode=request.mode)
    if why:
        raise refusals.needs_approval(exchange.dialect, f"{why}.")


def submit(caller: Caller, ask: asks.Ask) -> Job:
    """The contract knows no idempotency key: whoever asks twice gets two. Raises as `services.submit` does."""
    return services.submit(
        user=caller.user,
        team=caller.team,
        request=ask.request,
        idempotency_key=uuid4().hex,
        inputs=ask.inputs,
        api_key=caller.key,
    )


def submitted(exchange: Exchange, caller: Caller, operation: Operation, ask: asks.Ask) -> Answer:
    with transaction.atomic():
        job = submit(caller, ask)
        generation = results.submitted(job, key=caller.key, operation=operation, wanted=ask.wanted)
    return Answer.of({"id": generation.pk}, 202 if 202 in exchange.endpoint.statuses else 200)


def waiting(exchange: Exchange, job_id: UUID, wanted: asks.Wanted) -> Waiting:
    async def over() -> None:
        await until_over([job_id], settings.API_ANSWER_SECONDS)

    return Waiting(over, lambda: exchange.respond(lambda: finished(exchange, job_id, wanted)))


def finished(exchange: Exchange, job_id: UUID, wanted: asks.Wanted) -> Answer:
    job = Job.objects.filter(pk=job_id).first()
    if job is None:  # its team was deleted meanwhile
        raise refusals.stopped(exchange.dialect)
    if job.is_open:
        raise refusals.goes_on(exchange.dialect)
    return results.deliver(exchange.asked, exchange.endpoint, exchange.dialect, job, wanted)


def response_of(answer: Answer, asked: Request) -> HttpResponse:
    headers = {"x-request-id": asked.request_id, "content-length": str(len(answer.body)), **answer.headers}
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
