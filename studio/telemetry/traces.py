"""Traces for OpenTelemetry: requests, a job on its way through the processes, queries, calls to providers.

The trace of a job has an id that is made from the job's own, so every process finds it without being told: the way from submit to settle
is one trace although the row is all that travels. The request that submitted it is linked. Attributes that leave stand in a list.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ATTRIBUTES = frozenset(
    {"http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code", "server.address", "server.port"}
    | {"db.system", "db.system.name", "db.name", "db.namespace", "db.operation", "db.operation.name", "db.statement", "db.query.text"}
    | {"error.type", "exception.type", "atelier.job", "atelier.jobs", "atelier.attempt", "atelier.engine", "atelier.queue"}
)
_LITERAL = re.compile(r"'(?:[^']|'')*(?:'|$)|\b\d+(?:\.\d+)?\b")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_chosen: ContextVar[tuple[int, int] | None] = ContextVar("chosen", default=None)


class Traces:
    """The tracing of this process. How much is sampled, and with which headers it is sent, the variables of the standard (`OTEL_…`) say."""

    def __init__(self, endpoint: str) -> None:
        given = {"service.name": "atelier", "service.version": settings.VERSION}
        named = OTELResourceDetector().detect().attributes
        resource = Resource.create({name: value for name, value in given.items() if name not in named})
        self.provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
        self.provider.sampler = _Within(self.provider.sampler)
        address = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or f"{endpoint.rstrip('/')}/v1/traces"
        self.provider.add_span_processor(BatchSpanProcessor(Bare(OTLPSpanExporter(endpoint=address))))
        self.tracer = self.provider.get_tracer("atelier", settings.VERSION)
        set_global_textmap(_Hear())
        HTTPXClientInstrumentor().instrument(tracer_provider=self.provider)
        PsycopgInstrumentor().instrument(tracer_provider=self.provider)

    def flush(self) -> None:
        self.provider.force_flush(1000)

    def current(self) -> dict[str, str]:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}

    def answer(self, request: Any, get_response: Callable[[Any], Any]) -> Any:
        method = request.method if request.method in METHODS else "_OTHER"
        carried = {name: request.headers[name] for name in ("traceparent", "tracestate") if name in request.headers}
        parent = TraceContextTextMapPropagator().extract(carried)
        with self._begun(method, context=parent, kind=SpanKind.SERVER) as span:
            response = get_response(request)
            span.set_attributes({"http.request.method": method, "http.response.status_code": response.status_code})
            if request.resolver_match:
                span.set_attribute("http.route", request.resolver_match.route)
                span.update_name(f"{method} /{request.resolver_match.route}")
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR)
            return response

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        with self._begun(name):
            yield

    @contextmanager
    def job_span(self, name: str, jobs: Sequence[Any]) -> Iterator[None]:
        first, *others = jobs
        links = [Link(_place(one.pk, self.provider.sampler)) for one in others]
        told = _told(first) | ({"atelier.jobs": len(jobs)} if others else {})
        with self._begun(name, context=self._within(first), links=links, attributes=told):
            yield

    def submitted(self, job: Any) -> None:
        here = trace.get_current_span().get_span_context()
        token = _chosen.set(_ids(job.pk))
        try:
            links = [Link(here)] if here.is_valid else []
            self.tracer.start_span("job.submit", context=Context(), links=links, attributes=_told(job)).end()
        finally:
            _chosen.reset(token)

    def claimed(self, jobs: Sequence[Any], since: int) -> None:
        for job in jobs:
            self.tracer.start_span("job.claim", context=self._within(job), attributes=_told(job), start_time=since).end()

    def _within(self, job: Any) -> Context:
        return trace.set_span_in_context(NonRecordingSpan(_place(job.pk, self.provider.sampler)), Context())

    def _begun(self, name: str, **options: Any) -> Any:
        return self.tracer.start_as_current_span(name, **options)


def _told(job: Any) -> dict[str, str | int]:
    return {"atelier.job": str(job.pk), "atelier.attempt": job.attempt, "atelier.engine": job.engine, "atelier.queue": job.queue}


def _ids(job_id: uuid.UUID) -> tuple[int, int]:
    """Trace and first span of a job. Hashed, because a sampler takes the low bits of a trace's id for evenly spread."""
    digest = blake2b(job_id.bytes, digest_size=24).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:], "big")


def _place(job_id: uuid.UUID, sampler: Sampler) -> SpanContext:
    """Where a job's trace begins, for whoever goes on with it: sampled here if it was sampled there, for all ask the same sampler."""
    trace_id, span_id = _ids(job_id)
    sampled = sampler.should_sample(None, trace_id, "job.submit").decision is Decision.RECORD_AND_SAMPLE
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT))


class _Ids(RandomIdGenerator):
    """Random ones, but for the first span of a job."""

    def generate_trace_id(self) -> int:
        return chosen[0] if (chosen := _chosen.get()) else super().generate_trace_id()

    def generate_span_id(self) -> int:
        return chosen[1] if (chosen := _chosen.get()) else super().generate_span_id()


class _Within(Sampler):
    """Queries and calls count within something. Alone they are a worker's looks at the queue, several a second and of no interest."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def should_sample(self, parent_context: Any, trace_id: int, name: str, kind: Any = None, *rest: Any, **more: Any) -> SamplingResult:
        if kind is SpanKind.CLIENT and not trace.get_current_span(parent_context).get_span_context().is_valid:
            return SamplingResult(Decision.DROP)
        return self.sampler.should_sample(parent_context, trace_id, name, kind, *rest, **more)

    def get_description(self) -> str:
        return self.sampler.get_description()


class _Hear(TraceContextTextMapPropagator):
    """Goes on with a trace that a proxy began; tells ours neither to providers nor to receivers of webhooks."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:
        return None


class Bare(SpanExporter):
    """Passes spans on with the attributes of the list: not the texts of errors, and no addresses, of which some are keys."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([_bare(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self.exporter.force_flush(timeout_millis)


def _bare(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_kept(span.attributes or {}),
        events=[Event(event.name, _kept(event.attributes or {}), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _kept(attributes: Any) -> dict[str, Any]:
    kept = {name: value for name, value in attributes.items() if name in ATTRIBUTES}
    for name in ("db.statement", "db.query.text"):
        if name in kept:
            kept[name] = _LITERAL.sub("?", str(kept[name]))
    address = attributes.get("url.full") or attributes.get("http.url")
    if address and (host := urlsplit(str(address)).hostname):
        kept.setdefault("server.address", host)
    return kept
