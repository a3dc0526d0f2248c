"""Going on from what was made, and from what went wrong: every setting and every file comes back, and what does not apply is said."""

import pytest
from django.urls import reverse

from studio.generation import services
from studio.generation.models import Job
from tests.generation.conftest import HTMX, media, upload
from tests.generation.pictures import picture
from tests.generation.stability import RECORDS, filled, pressed
from tests.generation.stability import stability as stability

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stability")]


def make(client, engine_id, place=0, **changes):
    """Press Generate on an engine, in its first mode unless told otherwise; the job and what was pressed."""
    engine = RECORDS[engine_id].engine
    values = {**filled(client, engine, engine.modes[place]), **changes}
    assert pressed(client, values, key=f"k{Job.objects.count()}").status_code == 200
    return Job.objects.latest("id"), values


def finish(job):
    [claimed] = services.claim([job.queue], "w", batch=False)
    assert services.succeed(claimed, media())
    return job.artifacts.get()


def fail(job, code, detail="", fields=None):
    [claimed] = services.claim([job.queue], "w", batch=False)
    assert services.fail(claimed, code, detail, fields=fields)


def values_of(page):
    form = page.context["form"]
    return {name: form[name].value() for name in form.fields}


@pytest.mark.parametrize("use", ["all", "remix"])
def test_every_setting_and_every_file_comes_back(alices, use):
    settings = {"style_strength": "0.4", "composition_fidelity": "0.3", "output_format": "webp", "negative_prompt": "rain", "seed": "7"}
    job, pressed_values = make(alices, "stable-image-style-transfer", **settings)
    values = values_of(alices.get(reverse("create"), {"from": finish(job).pk, "use": use}))
    assert (values["style_strength"], values["composition_fidelity"], values["output_format"]) == (0.4, 0.3, "webp")
    assert values["negative_prompt"] == "rain"
    assert [str(values[name]) for name in ("image", "style_image")] == [pressed_values["image"], pressed_values["style_image"]]
    assert values["seed"] == (100 if use == "all" else None)


def test_a_picture_can_be_sent_to_any_mode_that_starts_from_one(alices):
    artifact = finish(make(alices, "stable-image-core")[0])
    page = alices.get(reverse("create"), {"from": artifact.pk, "use": "image", "mode": "structure"})
    assert (page.context["mode"].value, page.context["slots"][0].source) == ("structure", artifact)


SDXL, XL = "stable-diffusion-xl-1024-v1-0", "Stable Diffusion XL 1.0"


def switch(client, **query):
    page = client.get(reverse("create_form"), query, **HTMX)
    return values_of(page), page.context["notes"]


def test_what_nobody_chose_is_not_carried_to_another_engine(alices):
    asked = {"was": "sd3.5-large", "engine": "sd3.5-large-turbo", "mode": "text-to-image", "prompt": "a boat", "guidance_scale": "4.0"}
    values, notes = switch(alices, **asked)
    assert (values["guidance_scale"], values["prompt"], notes) == (1, "a boat", [])
    values, notes = switch(alices, **{**asked, "guidance_scale": "5.5"})
    assert (values["guidance_scale"], notes) == ("5.5", [])


def test_what_was_chosen_and_does_not_apply_is_said_by_its_label(alices):
    asked = {"was": "stable-image-core", "engine": "stable-diffusion-xl-1024-v1-0", "mode": "text-to-image"}
    values, notes = switch(alices, **asked, aspect_ratio="16:9", output_format="webp", style_preset="anime", seed="4294967294")
    assert notes == ["File format does not apply to Stable Diffusion XL 1.0 here."]
    assert (values["style_preset"], values["seed"]) == ("anime", "4294967294")
    _, notes = switch(alices, was="stable-audio-2", engine="stable-audio-2.5", mode="text-to-audio", num_inference_steps="60", seed="3")
    assert notes == ["Steps 60 is not possible with Stable Audio 2.5; it is 8 now."]
    _, notes = switch(alices, was="stable-image-core", engine="stable-fast-3d", mode="image-to-3d", seed="3")
    assert notes == ["Seed does not apply to Stable Fast 3D here."]


@pytest.mark.parametrize(
    ("was", "chosen", "engine", "kept", "notes"),
    [
        ("stable-image-core", {"aspect_ratio": "16:9"}, SDXL, {"size": "1344x768"}, []),
        (SDXL, {"size": "768x1344"}, "stable-image-core", {"aspect_ratio": "9:16"}, []),
        (SDXL, {"size": "1024x1024"}, "stable-image-core", {"aspect_ratio": "1:1"}, []),
        ("null", {"size": "640x384"}, SDXL, {"size": "1024x1024"}, [f"Shape 5:3 is not possible with {XL}; it is 1:1 now."]),
        (SDXL, {"size": "1344x768"}, "stable-fast-3d", {}, []),
        ("stable-image-core", {"aspect_ratio": "16:9"}, "stable-fast-3d", {}, ["Shape does not apply to Stable Fast 3D here."]),
    ],
)
def test_a_shape_stays_a_shape_whether_an_engine_calls_it_a_ratio_or_a_size(alices, was, chosen, engine, kept, notes):
    """Nothing says that shapes do not apply above a picker of shapes."""
    mode = "image-to-3d" if "3d" in engine else "text-to-image"
    values, said = switch(alices, was=was, engine=engine, mode=mode, **chosen)
    assert ({name: values[name] for name in kept}, said) == (kept, notes)


def test_files_stay_where_the_new_mode_has_a_place_for_them(alices):
    image = upload(alices, picture((128, 96))).json()["id"]
    values, notes = switch(alices, was="stable-image-sketch", engine="stable-image-structure", mode="structure", image=image)
    assert (values["image"], notes) == (image, [])


# --- what an engine refused ---------------------------------------------------------------------------------------------


def test_what_the_provider_says_of_a_setting_stands_beside_it(alices):
    job, _ = make(alices, "stable-image-core", seed="7", style_preset="anime")
    fail(job, "bad_request", "Style preset: not with this.", {"style_preset": "Not with this.", "prompt": "Too odd."})
    card = alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert "The engine does not accept these settings. Style preset: not with this." in card
    assert f'href="{reverse("create")}?job={job.pk}&amp;use=settings"' in card
    assert reverse("job_retry", args=[job.pk]) not in card, "the same once more would be refused once more"
    page = alices.get(reverse("create"), {"job": job.pk, "use": "settings"})
    form = page.context["form"]
    assert dict(form.errors) == {"style_preset": ["Not with this."], "prompt": ["Too odd."]}
    assert (form["prompt"].value(), form["style_preset"].value(), form["seed"].value()) == ("a boat", "anime", 7)
    html = page.content.decode()
    assert ("Not with this." in html, "Too odd." in html) == (True, True)


def test_a_refused_size_stands_beside_the_shapes(alices):
    job, _ = make(alices, "stable-diffusion-xl-1024-v1-0")
    fail(job, "bad_request", "No such size.", {"width": "No such size."})
    form = alices.get(reverse("create"), {"job": job.pk, "use": "settings"}).context["form"]
    assert dict(form.errors) == {"size": ["No such size."]}


def test_a_refusal_without_a_field_stands_above_the_button(alices):
    job, _ = make(alices, "stable-image-core")
    fail(job, "content_filtered")
    form = alices.get(reverse("create"), {"job": job.pk, "use": "settings"}).context["form"]
    assert dict(form.errors) == {"__all__": ["The content filter refused this. Change the prompt and try again."]}


def test_a_refused_file_stands_beside_its_slot(alices):
    job, values = make(alices, "stable-image-style-transfer")
    fail(job, "bad_request", "Too dark.", {"style_image": "Too dark."})
    page = alices.get(reverse("create"), {"job": job.pk, "use": "settings"})
    assert dict(page.context["form"].errors) == {"style_image": ["Too dark."]}
    assert [str(slot.file.pk) for slot in page.context["slots"]] == [values["image"], values["style_image"]]


def test_mended_settings_can_be_pressed(alices):
    job, _ = make(alices, "stable-image-core")
    fail(job, "bad_request", "Too odd.", {"prompt": "Too odd."})
    page = alices.get(reverse("create"), {"job": job.pk, "use": "settings"})
    again = {name: str(value) for name, value in values_of(page).items() if value is not None}
    assert pressed(alices, {**again, "prompt": "a plain boat"}, key=again["idempotency_key"]).status_code == 200
    assert [one.prompt for one in Job.objects.order_by("id")] == ["a boat", "a plain boat"]


def test_a_wallet_problem_is_nothing_to_change(alices):
    job, _ = make(alices, "stable-image-core")
    fail(job, "provider_balance")
    card = alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert ("Change it" in card, reverse("job_retry", args=[job.pk]) in card) == (False, True)
    assert alices.get(reverse("create"), {"job": job.pk, "use": "settings"}).context["form"].errors == {}
