"""What reaches Sentry and a collector of OpenTelemetry: errors and times; never a prompt, a key, a cookie or a person."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from studio.telemetry import sentry, traces
from tests.browser.running import embedded, prepared
from tests.studio.takers import Taker
from tests.studio.telemetry_story import PLANTED

ROOT = Path(__file__).resolve().parents[2]


def tell(folder: Path, **environment: str) -> str:
    """Run the story; what it printed."""
    data = folder / "data"
    shutil.copytree(prepared(), data)
    kept = embedded(data, STUDIO_ENV_FILE=os.devnull, STUDIO_NULL_ENGINE="1", STUDIO_LOCAL_RUNNER="0", **environment)
    command = [sys.executable, "-m", "tests.studio.telemetry_story"]
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


class Story:
    def __init__(self, taker: Taker, said: str) -> None:
        self.taker, self.said = taker, said
        self.jobs = {seed: uuid.UUID(pk) for seed, pk in re.findall(r"^job (\d+) (\S+)", said, re.MULTILINE)}
        self.errors = {one["exception"]["values"][-1]["type"]: one for one in taker.events() if one["kind"] == "event"}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with Taker() as taker:
        said = tell(
            tmp_path_factory.mktemp("story"),
            SENTRY_DSN=f"http://public@{taker.address}/1",
            STUDIO_SENTRY_TRACES="1",
            STUDIO_SENTRY_ENVIRONMENT="harbour",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{taker.address}",
            OTEL_RESOURCE_ATTRIBUTES="service.name=studio-of-a-test",
        )
        yield Story(taker, said)


def test_switched_off_neither_library_is_loaded(tmp_path: Path) -> None:
    said = tell(tmp_path)

    assert re.search(r"^loaded$", said, re.MULTILINE)


def test_the_story_is_what_it_should_be(story: Story) -> None:
    assert re.search(r"^job 7 \S+ succeeded", story.said, re.MULTILINE)
    assert re.search(r"^job 13 \S+ failed", story.said, re.MULTILINE)
    assert "loaded opentelemetry sentry_sdk" in story.said


def test_nothing_that_was_planted_leaves(story: Story) -> None:
    everything = b"\n".join([*story.taker.headers, *(body for bodies in story.taker.bodies.values() for body in bodies)])

    assert set(story.taker.bodies) == {"/api/1/envelope/", "/v1/traces"}
    assert [text for text in PLANTED if text.encode() in everything or text.replace(" ", "%20").encode() in everything] == []


def test_an_error_of_a_page_arrives_with_its_way_through_the_code(story: Story) -> None:
    error = story.errors["ValueError"]

    assert error["transaction"].endswith(".boom")
    assert (error["release"].split("@")[0], error["environment"]) == ("atelier", "harbour")
    assert not {"user", "extra", "server_name", "modules"} & error.keys()
    frames = error["exception"]["values"][-1]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "boom"
    assert "raise ValueError" in frames[-1]["context_line"]
    assert all("vars" not in frame for frame in frames)
    assert re.fullmatch(r"[0-9a-f-]{36}", error["tags"]["request_id"])


def test_an_error_of_an_engine_arrives_with_its_job(story: Story) -> None:
    error = story.errors["RuntimeError"]

    assert error["tags"]["job"] == str(story.jobs["13"])
    assert (error["tags"]["said"], error["tags"]["attempt"]) == ("engine_crashed", "1")
    assert error["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "generate"


def test_each_error_arrives_once(story: Story) -> None:
    assert len([one for one in story.taker.events() if one["kind"] == "event"]) == 2


def test_a_job_is_one_trace_from_submit_to_settle(story: Story) -> None:
    trace_id, first = traces._ids(story.jobs["7"])
    own = [span for span in story.taker.spans() if int.from_bytes(span.trace_id, "big") == trace_id]
    named = {span.name: span for span in own}

    assert {"job.submit", "job.claim", "job.generate", "job.settle", "job.store"} <= set(named)
    assert int.from_bytes(named["job.submit"].span_id, "big") == first
    assert {named[name].parent_span_id for name in ("job.claim", "job.generate", "job.settle")} == {named["job.submit"].span_id}
    assert named["job.store"].parent_span_id == named["job.settle"].span_id
    told = {one.key: one.value.string_value for one in named["job.generate"].attributes}
    assert (told["atelier.job"], told["atelier.engine"]) == (str(story.jobs["7"]), "null")


def test_a_request_is_a_span_under_the_pattern_of_its_address(story: Story) -> None:
    [span] = [one for one in story.taker.spans() if one.name.startswith("POST")]

    assert span.name == "POST /boom/<str:token>/"
    assert {one.key: one.value.int_value for one in span.attributes}["http.response.status_code"] == 500
    assert (span.status.code, span.status.message) == (2, "")


def test_log_lines_name_the_trace(story: Story) -> None:
    crashed = next(line for line in story.said.splitlines() if "engine_crashed" in line)

    assert f"trace_id={traces._ids(story.jobs['13'])[0]:032x}" in crashed


def test_a_host_that_does_not_answer_holds_nothing_up(tmp_path: Path) -> None:
    """Nor does one that takes a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        said = tell(tmp_path, SENTRY_DSN=f"http://public@{where}/1", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")

    assert re.search(r"^job 7 \S+ succeeded", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"db.statement": "SELECT 'a ''secret''', 12 FROM t1 WHERE x = %s AND y='open"},
            {"db.statement": "SELECT ?, ? FROM t1 WHERE x = %s AND y=?"},
        ),
        ({"http.url": "https://key:x@api.example/s/token?prompt=x"}, {"server.address": "api.example"}),
        ({"http.target": "/s/token", "user_agent.original": "x", "exception.message": "x"}, {}),
        ({"exception.type": "ValueError"}, {"exception.type": "ValueError"}),
    ],
)
def test_attributes_are_kept_by_name(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert traces._kept(given) == kept


def test_an_error_that_a_span_heard_of_is_told_by_its_kind() -> None:
    found = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(traces.Bare(found)))
    with pytest.raises(ValueError), provider.get_tracer("x").start_as_current_span("work"):  # noqa: PT011 - ours, two words on
        raise ValueError("a secret")

    [span] = found.get_finished_spans()
    assert [dict(event.attributes) for event in span.events] == [{"exception.type": "ValueError"}]
    assert span.status.description is None


@pytest.mark.parametrize(
    ("value", "kept"), [("engine_crashed", "engine_crashed"), ("“quoted” words", "…"), (["a-1", "b"], "a-1"), (3, "3")]
)
def test_a_tag_is_a_word(value: Any, kept: str) -> None:
    assert sentry._short(value) == kept


def test_a_sampler_decides_alike_in_every_process() -> None:
    """A tenth of the jobs, and for each of them the same answer whoever asks; ids that grow with time are spread evenly."""
    from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

    from studio.ids import uuid7

    sampler = TraceIdRatioBased(0.5)
    jobs = [uuid7() for _ in range(400)]
    sampled = [traces._place(job, sampler).trace_flags.sampled for job in jobs]

    assert sampled == [traces._place(job, sampler).trace_flags.sampled for job in jobs]
    assert 100 < sum(sampled) < 300


@pytest.mark.parametrize(("source", "kept"), [("component", {"transaction": "studio.urls.page"}), ("url", {})])
def test_an_address_that_no_page_has_is_no_name_of_what_was_asked(source: str, kept: dict[str, str]) -> None:
    name = "studio.urls.page" if source == "component" else "/invitations/a-token-mistyped/"
    told = sentry._bare({"transaction": name, "transaction_info": {"source": source}}, None)
    assert {key: told[key] for key in told.keys() & {"transaction"}} == kept
    assert "transaction_info" not in told
