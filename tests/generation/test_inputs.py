"""Pictures that people give: uploads, masks, pictures from the library, files with settings in them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.services import wallets
from studio.generation.models import InputFile, Job
from tests.generation.conftest import initial, press, upload, wallet
from tests.generation.pictures import animated, picture

pytestmark = pytest.mark.django_db


def test_a_library_picture_as_input_becomes_the_parent(done, alices):
    artifact = done.artifacts.first()
    assert press(alices, mode="image-to-image", source=str(artifact.pk), idempotency_key="k2").status_code == 200
    job = Job.objects.latest("id")
    assert (job.parent, job.image.artifact, (job.image.width, job.image.height)) == (artifact, artifact, (64, 64))
    press(alices, mode="image-to-image", source=str(artifact.pk), idempotency_key="k3")
    assert InputFile.objects.count() == 1, "kept once"


def test_a_refused_press_keeps_no_picture(done, alices):
    mask = upload(alices, picture((32, 32), 255, "L")).json()["id"]
    source = str(done.artifacts.first().pk)
    for wrong in ({"seed": "-1"}, {"prompt": ""}):
        refused = press(alices, mode="inpainting", source=source, mask_image=mask, idempotency_key="k2", **wrong)
        assert refused.status_code == 422
    assert [str(row.pk) for row in InputFile.objects.all()] == [mask]
    assert press(alices, mode="inpainting", source=source, mask_image=mask, idempotency_key="k2").status_code == 200
    assert InputFile.objects.count() == 3, "the picture and the fitted mask"


def test_an_uploaded_picture_can_be_used(alices, rich):
    answer = upload(alices, picture((90, 60)))
    assert answer.status_code == 201
    body = answer.json()
    assert (body["width"], body["height"]) == (90, 60)
    assert alices.get(body["url"])["Content-Type"] == "image/png"
    assert press(alices, mode="image-to-image", image=body["id"]).status_code == 200
    assert str(Job.objects.get().image_id) == body["id"]


def test_inpainting_takes_a_mask_fitted_to_the_picture(alices):
    image = upload(alices, picture((90, 60))).json()["id"]
    mask = upload(alices, picture((45, 30), 255, "L")).json()["id"]
    assert press(alices, mode="inpainting", image=image, mask_image=mask).status_code == 200
    job = Job.objects.get()
    assert (job.mask_image.width, job.mask_image.height) == (90, 60)


def test_inpainting_without_paint_is_refused(alices, rich):
    image = upload(alices, picture((90, 60))).json()["id"]
    mask = upload(alices, picture((90, 60), 0, "L")).json()["id"]
    assert "Paint over" in str(press(alices, mode="inpainting", image=image).context["form"].errors)
    assert "Nothing is painted" in str(press(alices, mode="inpainting", image=image, mask_image=mask).context["form"].errors)
    assert wallet(rich) == (100_000, 0)


@pytest.mark.parametrize(("data", "says"), [(b"text named png", "not a picture"), (animated(), "animated"), (b"", "No file came")])
def test_a_bad_upload_is_refused_in_words(alices, data, says):
    answer = upload(alices, data)
    assert answer.status_code == 422
    assert says in answer.json()["error"] or "empty" in answer.json()["error"]
    assert not InputFile.objects.exists()


@pytest.mark.parametrize("data", [b"text named mp3", picture()])
def test_a_slot_for_a_sound_speaks_of_sounds(alices, data):
    file = SimpleUploadedFile("text.mp3", data)
    answer = alices.post(reverse("input_upload"), {"file": file, "kind": "audio"})
    said = "This file is not a sound we can read. Choose an MP3 or WAV file."
    assert (answer.status_code, answer.json()) == (422, {"error": said, "code": "unusable_sound"})
    assert not InputFile.objects.exists()


def test_a_full_disk_is_said(alices, monkeypatch):
    import errno

    from django.core.files.storage import FileSystemStorage

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    answer = upload(alices, picture())
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert not InputFile.objects.exists()


def test_other_peoples_uploads_cannot_be_used_or_seen(alices, client_of, mallory, other_team):
    body = upload(alices, picture()).json()
    client = client_of(mallory)
    wallets.grant(wallets.wallet_of(other_team), 9_000, reference="test", description="For the test")
    assert client.get(body["url"]).status_code == 404
    response = press(client, mode="image-to-image", image=body["id"])
    assert response.status_code == 422
    assert not Job.objects.exists()


def test_a_dropped_file_gives_back_its_settings(done, alices):
    data = done.artifacts.first()
    from studio.generation import files

    answer = upload(alices, files.read(data.variant("original")), url="input_read")
    assert answer.status_code == 200
    values = initial(alices, **answer.json()["settings"])
    assert (values["prompt"], str(values["seed"]), values["engine"]) == ("a castle", "100", "null")


def test_a_dropped_file_without_settings(alices):
    answer = upload(alices, picture(), url="input_read")
    assert (answer.status_code, "holds no settings" in answer.json()["error"]) == (422, True)


def test_a_picture_that_the_engine_cannot_take_is_refused_before_anything_is_held(alices, rich):
    image = upload(alices, picture((1601, 1600))).json()["id"]
    refused = press(alices, engine="storybook-upscale", mode="upscaling", image=image)
    assert refused.status_code == 422
    assert refused.context["form"].errors["image"] == ["The picture may have at most 2,560,000 pixels; this one has 1601 × 1600."]
    assert wallet(rich) == (100_000, 0)
    image = upload(alices, picture((1600, 1600))).json()["id"]
    assert press(alices, engine="storybook-upscale", mode="upscaling", image=image).status_code == 200


def test_an_upscaled_picture_keeps_the_words_it_was_made_with(done, alices):
    press(alices, engine="storybook-upscale", mode="upscaling", source=str(done.artifacts.first().pk), idempotency_key="k2")
    job = Job.objects.latest("id")
    assert (job.prompt, job.request["prompt"]) == ("a castle", "")
