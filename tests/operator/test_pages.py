"""The operator's pages: who gets in, what stands there, what the buttons do, and that no words of people are shown."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from studio.generation import services
from studio.generation.models import Job, PausedQueue, Worker
from tests.factories import make_job
from tests.operator.conftest import WORDS, ended

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
PAGES = ("operator", "operator_running", "operator_waiting")


def text(response: Any) -> str:
    """What is read on the page, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def addresses(job: Job) -> list[tuple[str, str]]:
    return [
        *(("get", reverse(name)) for name in (*PAGES, "operator_rates")),
        ("get", reverse("operator_job", args=[job.pk])),
        ("get", reverse("operator_pause", args=["null"])),
        *(("post", reverse(name, args=["null"])) for name in ("operator_pause", "operator_resume")),
        *(("post", reverse(name, args=[job.pk])) for name in ("operator_front", "operator_stop")),
    ]


def test_for_everybody_else_there_is_nothing_and_nothing_happens(waiting, alice, bob, carol, mallory, client_of, client):
    """An owner of a team is no operator of the studio."""
    services.pause_queue("stability", by=alice)
    for method, address in addresses(waiting[0]):
        for person in (alice, bob, carol, mallory):
            assert getattr(client_of(person), method)(address).status_code == 404, (person, address)
        assert getattr(client, method)(address)["Location"].startswith("/accounts/login/"), address
    assert list(PausedQueue.objects.values_list("queue", flat=True)) == ["stability"]
    assert set(Job.objects.values_list("status", "moved_up_at")) == {("queued", None)}


def test_the_way_there_is_in_the_menu_of_operators_alone(page, alice, client_of):
    link = f'href="{reverse("operator")}"'
    assert link in page.get(reverse("account")).content.decode()
    assert link not in client_of(alice).get(reverse("account")).content.decode()


def test_nobodys_words_are_on_any_page(page, waiting, running, team, bob):
    ended(team, bob, code="bad_request")
    seen = [page.get(reverse(name)) for name in PAGES]
    seen += [page.get(reverse("operator_job", args=[job.pk])) for job in Job.objects.all()]
    assert [response.status_code for response in seen] == [200] * len(seen)
    assert [WORDS in response.content.decode() for response in seen] == [False] * len(seen)


def test_the_overview_says_how_everything_stands(page, waiting, running, worker, team, bob, operator):
    ended(team, bob)
    ended(team, bob, code="timeout")
    ended(team, bob, ago=7200, code="timeout")
    services.pause_queue("null", by=operator, reason="A new model")
    said = text(page.get(reverse("operator")))
    assert "Waiting 3 for a worker Running 1 on 1 worker Done in the last hour 1 jobs Failed in the last hour 1 nothing" in said
    assert re.search(r"null Paused [\d.]+ s, by Olga Operator: A new model 3 1", said)
    assert "1 done, 1 failed 1, 4 places Go on with null" in said
    assert "dock-1 null · version 0.7.0 · dock Ready 1 of 4" in said
    assert "300.0 MB" in said.replace("\xa0", " ")
    assert "NVIDIA L4 18.0 GB of 24.0 GB 75 %" in said.replace("\xa0", " ")
    assert "Null (test card) is paused" in said
    assert "50.0 % 1 of 2 66.7 % 2 of 3 timeout 2" in said


def test_an_empty_studio_is_told_what_will_be_here(page):
    overview = text(page.get(reverse("operator")))
    assert "No worker runs" in overview
    assert "Nothing ended in the last 24 hours" in overview
    assert "Nothing was made in the last 24 hours" in overview
    assert "Nothing runs" in text(page.get(reverse("operator_running")))
    assert "Nothing waits" in text(page.get(reverse("operator_waiting")))


def test_a_worker_that_is_not_heard_of_is_silent(page, worker):
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    said = text(page.get(reverse("operator")))
    assert "Silent" in said
    assert "5 min ago" in said


def test_only_workers_of_engines_that_live_are_counted(page, running, worker):
    """Not beat, which does the chores, and none that is silent: nothing runs there."""
    for name, queues, ago in (("beat", ["chores"], 0), ("gone", ["null"], 300), ("other", ["chores", "null"], 0)):
        heard = timezone.now() - timedelta(seconds=ago)
        Worker.objects.create(name=name, queues=queues, state="ready", pid=2, host="dock", heartbeat_at=heard)
    assert "Running 1 on 2 workers" in text(page.get(reverse("operator")))


def test_a_worker_is_silent_when_its_jobs_are_given_back(page, worker, settings):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS = 40, 10
    for ago, silent in ((35, False), (45, True)):
        Worker.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=ago))
        assert ("Silent" in text(page.get(reverse("operator")))) is silent
        assert Worker.objects.alive().exists() is not silent


def test_what_failed_has_its_labels_where_it_is_narrow(page, team, bob):
    ended(team, bob)
    row = page.get(reverse("operator")).content.decode().partition("Failures by engine")[2].partition("</tbody>")[0]
    assert re.findall(r'data-label="([^"]*)"', row) == ["last hour", "24 hours", "errors"]


def test_a_worker_is_told_with_the_name_of_its_machine_and_every_number_says_what_it_is(page, worker):
    Worker.objects.update(host="dock/684d756f/4026531836")
    html = page.get(reverse("operator")).content.decode()
    assert "version 0.7.0 · dock</span>" in html
    assert "684d756f" not in html
    row = html.partition('<tr id="worker-dock-1">')[2].partition("</tr>")[0]
    assert re.findall(r'data-label="([^"]*)"', row) == ["busy", "memory", "heard of"]


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("operator", "operator-now"),
        ("operator_rates", "operator-rates"),
        ("operator_running", "operator-list"),
        ("operator_waiting", "operator-list"),
    ],
)
def test_an_open_page_asks_for_its_part_alone(page, name, fragment):
    html = page.get(reverse(name), **HTMX).content.decode()
    assert re.match(rf'\s*<div id="{fragment}"', html)
    assert "<html" not in html


# --- pause, go on ----------------------------------------------------------------------------------------------------


def test_a_queue_is_paused_with_a_reason_and_goes_on(page, waiting, operator):
    assert "3 wait, and people can send more" in text(page.get(reverse("operator_pause", args=["null"])))
    answer = page.post(reverse("operator_pause", args=["null"]), {"reason": "A new model"})
    assert (answer.status_code, answer["Location"]) == (302, f"{reverse('operator')}#queue-null")
    assert list(PausedQueue.objects.values_list("queue", "reason", "paused_by")) == [("null", "A new model", operator.pk)]
    assert services.claim(["null"], "w") == []
    form = page.get(reverse("operator_pause", args=["null"])).content.decode()
    assert ('value="A new model"' in form, "Save the reason" in form) == (True, True)
    assert page.post(reverse("operator_resume", args=["null"]))["Location"] == f"{reverse('operator')}#queue-null"
    assert page.post(reverse("operator_resume", args=["null"])).status_code == 302
    assert PausedQueue.objects.count() == 0


def test_a_pause_without_a_reason_says_beforehand_what_people_will_read(page):
    form = page.get(reverse("operator_pause", args=["null"])).content.decode()
    assert re.search(r'<input type="text" name="reason"[^>]* autofocus', form)
    assert page.post(reverse("operator_pause", args=["null"]), {"reason": " "}).status_code == 302
    assert f"Left empty, people read there: “{PausedQueue.objects.get().sentence}”" in form


def test_a_reason_that_is_too_long_is_told_and_pauses_nothing(page):
    answer = page.post(reverse("operator_pause", args=["null"]), {"reason": "x" * 201})
    assert answer.status_code == 422
    assert "at most 200 characters" in text(answer)
    assert PausedQueue.objects.count() == 0


def test_a_queue_that_nobody_knows_is_not_found(page):
    assert page.post(reverse("operator_pause", args=["nulll"])).status_code == 404
    assert page.post(reverse("operator_resume", args=["nulll"])).status_code == 404
    assert PausedQueue.objects.count() == 0


# --- jobs ------------------------------------------------------------------------------------------------------------


def test_what_runs_is_listed_with_its_step_and_lease_and_can_be_stopped(page, running):
    said = text(page.get(reverse("operator_running")))
    assert "Bob Member Harbour Street 7 of 20 7 dock-1 try 2, lease ends in" in said
    back = reverse("operator_running")
    assert page.post(reverse("operator_stop", args=[running.pk]), {"back": back})["Location"] == back
    running.refresh_from_db()
    assert (running.cancel_requested_at is None, running.decision) == (False, "Stopped by the operator.")
    assert "Stopping" in text(page.get(back))


def test_what_waits_is_listed_in_line_with_why_and_moved_to_the_front(page, waiting, worker):
    said = text(page.get(reverse("operator_waiting")))
    assert "1 Test card" in said
    assert "It is next." in said
    assert "2 are before it." in said
    back = f"{reverse('operator_waiting')}?queue=null&page=1"
    assert page.post(reverse("operator_front", args=[waiting[2].pk]), {"back": back})["Location"] == back
    order = [line["job"].pk for line in page.get(reverse("operator_waiting")).context["lines"]]
    assert order == [waiting[2].pk, waiting[0].pk, waiting[1].pk]
    assert page.post(reverse("operator_stop", args=[waiting[0].pk]), {"back": back}).status_code == 302
    assert Job.objects.get(pk=waiting[0].pk).status == "canceled"


def test_turns_are_spoken_of_where_more_than_one_team_waits(page, waiting, worker, mallory, other_team):
    assert "ake turns" not in text(page.get(reverse("operator_waiting")))
    make_job(other_team, mallory)
    said = text(page.get(reverse("operator_waiting")))
    assert "if nothing else comes: teams take turns." in said
    assert "are before it. Teams take turns: 0 of its team are running." in said
    make_job(other_team, mallory, queue="stability")
    assert "ake turns" not in text(page.get(reverse("operator_waiting"), {"queue": "stability"}))


def test_the_first_in_line_is_not_offered_the_front(page, waiting, worker):
    html = page.get(reverse("operator_waiting")).content.decode()
    fronts = [reverse("operator_front", args=[job.pk]) for job in waiting]
    assert [front in html for front in fronts] == [False, True, True]
    shown = [page.get(reverse("operator_job", args=[job.pk])).content.decode() for job in waiting]
    assert [front in one for front, one in zip(fronts, shown, strict=True)] == [False, True, True]


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/operator/", "/wallet/", ""])
def test_nobody_is_led_away_by_a_button(page, waiting, back):
    answer = page.post(reverse("operator_front", args=[waiting[0].pk]), {"back": back})
    assert answer["Location"] == reverse("operator_job", args=[waiting[0].pk])


def test_long_lines_have_pages(page, team, bob, worker, monkeypatch):
    monkeypatch.setattr("studio.operator.pages.jobs.PAGE", 2)
    jobs = [make_job(team, bob) for _ in range(5)]
    other = make_job(team, bob, queue="stability")
    first = page.get(reverse("operator_waiting"))
    assert list(first.context["counts"].items()) == [("null", 5), ("stability", 1)]
    assert [line["place"] for line in first.context["lines"]] == [1, 2]
    assert "Page 1 of 3" in text(first)
    last = page.get(reverse("operator_waiting"), {"queue": "null", "page": "99"})
    assert [(line["place"], line["job"]) for line in last.context["lines"]] == [(5, jobs[4])]
    alone = page.get(reverse("operator_waiting"), {"queue": "stability", "page": "no"})
    assert [line["job"] for line in alone.context["lines"]] == [other]


def test_a_job_has_its_whole_life_on_a_page(page, running, team, bob, operator, waiting, worker):
    said = text(page.get(reverse("operator_job", args=[running.pk])))
    assert "Try 2 began on dock-1" in said
    assert "Step 7 of 20 Tries 2 Worker dock-1 Credits 1 held" in said
    services.move_up(waiting[1], by=operator)
    said = text(page.get(reverse("operator_job", args=[waiting[1].pk])))
    assert "Waiting · 1st in line" in said
    assert "Why it waits It is next." in said
    assert "Moved to the front by the operator" in said
    failed = ended(team, bob, code="timeout")
    Job.objects.filter(pk=failed.pk).update(error_message="It took too long.")
    said = text(page.get(reverse("operator_job", args=[failed.pk])))
    assert "It took too long." in said
    assert "Error timeout" in said


def test_a_job_that_is_not_there_is_not_found(page):
    address = reverse("operator_job", args=["01997c3e-8a51-7e2f-9d1c-2a9f6f0f5b11"])
    assert page.get(address).status_code == 404


# --- queries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_no_query_for_each_job_or_worker(page, team, bob, alice, worker, running, waiting, name, django_assert_max_num_queries):
    def asked() -> int:
        with django_assert_max_num_queries(60) as few:
            assert page.get(reverse(name), **HTMX).status_code == 200
        return len(few)

    asked()
    before = asked()
    for number in range(5):
        for person in (alice, bob):
            make_job(team, person)
            ended(team, person, code="timeout" if number % 2 else "")
            Job.objects.filter(pk=make_job(team, person).pk).update(status="running", started_at=timezone.now(), worker=f"dock-{number}")
    for number in range(2, 6):
        Worker.objects.create(name=f"dock-{number}", queues=["null"], state="ready", pid=number, host="dock", heartbeat_at=timezone.now())
    assert asked() == before
