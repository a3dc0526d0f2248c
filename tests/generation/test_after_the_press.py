"""What can be done with a job: try it again, stop it, read in the wallet what it came to."""

import io
import re

import pytest
from django.urls import reverse

from studio.generation import services
from studio.generation.models import Artifact, InputFile, Job
from tests.generation.conftest import HTMX, initial, media, press, upload, wallet
from tests.generation.pictures import picture

pytestmark = pytest.mark.django_db


def test_try_again_makes_the_same_once_more(done, alices, rich):
    response = alices.post(reverse("job_retry", args=[done.pk]), {"idempotency_key": "r1"}, **HTMX)
    alices.post(reverse("job_retry", args=[done.pk]), {"idempotency_key": "r1"}, **HTMX)
    assert response.status_code == 200
    again = Job.objects.get(retry_of=done)
    assert again.request == done.request


@pytest.fixture
def orphaned(alices, rich):
    """A failed inpainting of alice's whose input picture is gone."""
    image = upload(alices, picture((90, 60))).json()["id"]
    mask = upload(alices, picture((90, 60), 255, "L")).json()["id"]
    press(alices, mode="inpainting", image=image, mask_image=mask, prompt="a boat with a flag", seed="9")
    [job] = services.claim(["null"], "w", batch=False)
    assert services.fail(job, "engine_failed")
    InputFile.objects.filter(pk=image).delete()
    return Job.objects.get()


def test_a_failed_job_whose_picture_is_gone_offers_to_choose_one(orphaned, alices):
    card = alices.get(reverse("job", args=[orphaned.pk]), **HTMX).content.decode()
    stage = alices.get(reverse("job_stage", args=[orphaned.pk]), **HTMX).content.decode()
    address = f"/create/?job={orphaned.pk}&use=settings"
    for html in (card, stage):
        assert f'href="{address.replace("&", "&amp;")}"' in html
        assert reverse("job_retry", args=[orphaned.pk]) not in html
    values = initial(alices, job=orphaned.pk, use="settings")
    assert (values["mode"], values["prompt"], str(values["seed"]), values["image"]) == ("inpainting", "a boat with a flag", "9", None)


@pytest.mark.parametrize(("mode", "says"), [("text-to-image", "the prompt asks for one"), ("image-to-image", "Use another picture.")])
def test_a_public_figure_is_in_the_prompt_where_no_picture_was_given(alices, mode, says):
    given = {"image": upload(alices, picture((90, 60))).json()["id"]} if mode == "image-to-image" else {}
    press(alices, mode=mode, **given)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.fail(job, "public_figure")
    assert says in Job.objects.get().error_message


def test_a_picture_that_could_not_be_read_counts_as_gone(alices, rich):
    image = upload(alices, picture((90, 60))).json()["id"]
    press(alices, mode="image-to-image", image=image)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.fail(job, "input_missing")
    html = alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert ("Choose a picture" in html, reverse("job_retry", args=[job.pk]) in html) == (True, False)


def test_try_again_without_its_picture_is_refused_and_nothing_is_held(orphaned, alices, rich):
    response = alices.post(reverse("job_retry", args=[orphaned.pk]), {"idempotency_key": "r1"}, **HTMX)
    assert response.status_code == 422
    assert "The file that this starts from is gone. Choose another and press Generate." in response.content.decode()
    assert (Job.objects.count(), wallet(rich)) == (1, (100_000, 0))


def test_a_failed_job_that_has_all_it_needs_can_be_tried_again(alices, rich):
    image = upload(alices, picture((90, 60))).json()["id"]
    press(alices, mode="image-to-image", image=image)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.fail(job, "engine_failed")
    html = alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert ("Choose a picture" in html, reverse("job_retry", args=[job.pk]) in html) == (False, True)


def test_stop(alices, rich):
    press(alices)
    job = Job.objects.get()
    assert alices.post(reverse("job_cancel", args=[job.pk]), **HTMX).status_code == 200
    assert (Job.objects.get().status, wallet(rich)) == ("canceled", (100_000, 0))


def test_who_curates_may_stop_a_team_mates_job_and_who_looks_may_not(alices, client_of, bob, carol, rich):
    press(alices)
    job = Job.objects.get()
    bobs = client_of(bob)
    press(bobs, idempotency_key="b")
    assert alices.post(reverse("job_cancel", args=[Job.objects.get(user=bob).pk]), **HTMX).status_code == 200
    assert client_of(carol).post(reverse("job_cancel", args=[job.pk]), **HTMX).status_code == 403
    assert Job.objects.get(pk=job.pk).status == "queued"
    assert bobs.post(reverse("job_cancel", args=[job.pk]), **HTMX).status_code == 200
    assert Job.objects.get(pk=job.pk).status == "canceled"


def test_deleted_pictures_leave_the_card(done, alices):
    Artifact.objects.update(deleted_at="2026-01-01T00:00:00Z")
    html = alices.get(reverse("job", args=[done.pk]), **HTMX).content.decode()
    assert str(done.artifacts.first().pk) not in html


def test_picture_bytes_reach_the_worker_as_uploaded(alices):
    body = upload(alices, picture((90, 60), (9, 99, 199))).json()
    from PIL import Image

    from studio.generation import files

    stored = Image.open(io.BytesIO(files.read(InputFile.objects.get(pk=body["id"]).file)))
    assert stored.getpixel((5, 5)) == (9, 99, 199)


def settled(client, job):
    """What the statement of the wallet says of the end of a job."""
    [row] = re.findall(rf'<tr id="entry-{job.hold.entries.exclude(kind="hold").get().pk}">.*?</tr>', page_of(client), re.DOTALL)
    return " ".join(re.search(r'<td class="settled[^>]*>(.*?)</td>', row, re.DOTALL)[1].split())


def page_of(client):
    return client.get(reverse("wallet")).content.decode()


def test_the_wallet_says_whether_a_job_failed_was_stopped_or_came_in_part(alices, rich):
    for key, count in (("failed", 1), ("waiting", 1), ("running", 2), ("part", 3)):
        press(alices, idempotency_key=key, num_images=str(count))
    failed, waiting, running, part = Job.objects.order_by("id")
    assert alices.post(reverse("job_cancel", args=[waiting.pk]), **HTMX).status_code == 200
    started = (
        services.claim(["null"], "w", batch=False) + services.claim(["null"], "w", batch=False) + services.claim(["null"], "w", batch=False)
    )
    assert {job.pk for job in started} == {failed.pk, running.pk, part.pk}
    for job in started:
        if job.pk == failed.pk:
            assert services.fail(job, "out_of_memory")
        elif job.pk == running.pk:
            services.cancel(job)
            assert services.finish_canceled(job)
        else:
            assert services.succeed(job, media(2, filtered=1))
    assert [settled(alices, job) for job in (failed, waiting, running, part)] == [
        "held 1, released 1: failed, nothing charged",
        "held 1, released 1: stopped before it began, nothing charged",
        "held 2, released 2: stopped before the first picture, nothing charged",
        "held 3, charged 2, released 1: 1 picture did not come out",
    ]


def test_try_again_says_what_it_costs(alices):
    press(alices, num_images="4")
    [job] = services.claim(["null"], "w", batch=False)
    services.fail(job, "engine_failed")
    assert "Try again · 4 credits" in alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
