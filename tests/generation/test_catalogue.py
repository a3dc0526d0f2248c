"""Every engine of the Stability catalogue in every mode that it does: the form can be drawn, what it takes is what the provider takes,
and what is missing is said beside its field before anything is held."""

import io
import re
from dataclasses import replace

import pytest
from django.urls import reverse
from PIL import Image, ImageOps

from studio.backends.base import GenerationRequest, Mode, PromptNeed
from studio.generation.models import InputFile, Job, JobInput
from studio.generation.modes import beginning as beginning_of
from studio.generation.quotes import price_list
from tests.generation.conftest import HTMX, fields, upload, wallet
from tests.generation.pictures import picture
from tests.generation.stability import EVERYTHING, RECORDS, calls, filled, mp3, pressed, wav
from tests.generation.stability import stability as stability

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stability")]
BY_NAME = [pytest.param(engine, mode, id=f"{engine}-{mode.value}") for engine, mode in EVERYTHING]


def draw(client, engine, mode, **query):
    return client.get(reverse("create"), {"engine": engine, "mode": mode, **query})


@pytest.mark.parametrize(("engine_id", "mode"), BY_NAME)
def test_the_form_is_drawn_from_the_record(alices, engine_id, mode):
    page = draw(alices, engine_id, mode)
    assert page.status_code == 200
    engine, form, html = RECORDS[engine_id].engine, page.context["form"], page.content.decode()
    assert (page.context["engine"].id, page.context["mode"]) == (engine_id, mode)
    drawn = {"idempotency_key", "engine", "mode", "source", *(one.name for one in engine.parameters_for(mode))}
    drawn |= {one.name for one in engine.inputs_for(mode)}
    drawn |= {"prompt"} if engine.prompt_for(mode) is not PromptNeed.NONE else set()
    drawn |= {"negative_prompt"} if engine.negative_prompt else set()
    drawn |= {"num_images"} if engine.max_images > 1 else set()
    drawn |= {"seed"} if engine.max_seed is not None else set()
    drawn |= {"size"} if engine.size else set()
    assert set(form.fields) == drawn
    assert [name for name in drawn if f'name="{name}"' not in html] == []
    assert page.context["quote"].amount > 0
    assert page.context["quote"] == engine.quote(GenerationRequest(engine=engine_id, mode=mode, seed=0))
    assert page.context["quote"].per_image == engine.price.usual, "the list of engines says what the button says"


@pytest.mark.parametrize(("engine_id", "mode"), BY_NAME)
def test_what_is_pressed_is_what_the_provider_takes(alices, rich, engine_id, mode):
    engine = RECORDS[engine_id].engine
    values = filled(alices, engine, mode)
    response = pressed(alices, values)
    assert response.status_code == 200, response.context["form"].errors
    job = Job.objects.get()
    assert {name: str(file.pk) for name, file in job.given.items()} == {one.name: values[one.name] for one in engine.inputs_for(mode)}
    [call] = calls(job)
    names = RECORDS[engine_id].services[mode].names
    assert len(call.files) == len(job.given)
    assert call.dialect == "v1" or {file.name for file in call.files} == {names.get(name, name) for name in job.given}
    assert wallet(rich) == (100_000, job.price.amount)


@pytest.mark.parametrize(
    ("engine_id", "mode", "name"),
    [
        pytest.param(engine_id, mode, name, id=f"{engine_id}-{mode.value}-{name}")
        for engine_id, mode in EVERYTHING
        for name in (
            *(["prompt"] if RECORDS[engine_id].engine.prompt_for(mode) is PromptNeed.REQUIRED else []),
            *(one.name for one in RECORDS[engine_id].engine.inputs_for(mode) if one.required or one.kind == "mask"),
            *(p.name for p in RECORDS[engine_id].engine.parameters_for(mode) if p.required),
        )
    ],
)
def test_what_is_missing_is_refused_beside_its_field(alices, rich, engine_id, mode, name):
    response = pressed(alices, filled(alices, RECORDS[engine_id].engine, mode, without=name))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [name]
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


@pytest.mark.parametrize(
    ("engine_id", "mode", "changes", "name", "says"),
    [
        ("stable-image-outpaint", "outpainting", {"left": "0"}, "left", "Say how many pixels to add, on one side at least."),
        ("stable-image-outpaint", "outpainting", {"up": "2001"}, "up", "Up must be at most 2000."),
        ("stable-audio-2.5", "audio-inpainting", {"mask_start": "6"}, "mask_end", "The part that changes must end after it begins."),
        ("stable-audio-2.5", "audio-inpainting", {"mask_end": "8"}, "mask_end", "lies beyond the end: the sound lasts 7.0 seconds."),
        ("stable-image-core", "text-to-image", {"seed": "4294967295"}, "seed", "A seed is a whole number from 0 to 4294967294."),
        ("stable-image-core", "text-to-image", {"num_images": "5"}, "num_images", "makes 1 to 4 pictures at a time"),
        ("stable-image-core", "text-to-image", {"aspect_ratio": "7:3"}, "aspect_ratio", "Shape “7:3” is not one of the choices."),
        ("stable-image-core", "text-to-image", {"style_preset": "baroque"}, "style_preset", "is not one of the choices"),
        ("stable-audio-2", "text-to-audio", {"prompt": ""}, "prompt", "Write what should be heard."),
        ("stable-image-search-and-replace", "search-and-replace", {"search_prompt": "x" * 10_001}, "search_prompt", "at most 10,000"),
    ],
)
def test_what_is_wrong_is_refused_beside_its_field(alices, rich, engine_id, mode, changes, name, says):
    record = RECORDS[engine_id]
    values = filled(alices, record.engine, next(one for one in record.engine.modes if one.value == mode))
    response = pressed(alices, {**values, **changes})
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert list(errors) == [name]
    assert says in errors[name][0]
    assert wallet(rich) == (100_000, 0)


def refused_file(client, engine_id, mode, name, data, filename="file.png"):
    """What the form says of a file, and beside which field."""
    engine = RECORDS[engine_id].engine
    values = filled(client, engine, next(one for one in engine.modes if one.value == mode))
    values[name] = upload(client, data, filename).json()["id"]
    response = pressed(client, values)
    assert response.status_code == 422
    [(field, [problem])] = response.context["form"].errors.items()
    assert field == name
    return problem


@pytest.mark.parametrize(
    ("engine_id", "mode", "name", "data", "says"),
    [
        (
            "stable-image-structure",
            "structure",
            "image",
            picture((63, 100)),
            "Each side must have at least 64 pixels; this one has 63 × 100.",
        ),
        ("stable-image-structure", "structure", "image", picture((64, 161)), "The longer side may be at most 2.5 times"),
        ("stable-image-upscale-fast", "upscaling", "image", picture((1537, 64)), "Each side may have at most 1,536 pixels;"),
        ("stable-fast-3d", "image-to-3d", "image", picture((2049, 2048)), "The picture may have at most 4,194,304 pixels;"),
        ("stable-image-style-transfer", "style-transfer", "style_image", picture((32, 32)), "Each side must have at least 64 pixels;"),
        ("stable-audio-2", "audio-to-audio", "audio", mp3(5), "The sound must last from 6 to 190 seconds; this one lasts 5.0."),
        ("stable-audio-2", "audio-to-audio", "audio", wav(191), "The sound must last from 6 to 190 seconds; this one lasts 191.0."),
        ("stable-audio-2", "audio-to-audio", "audio", picture(), "Use an MP3 or WAV file."),
        ("stable-image-structure", "structure", "image", wav(), "Use a PNG, JPEG or WebP file."),
    ],
)
def test_a_file_that_the_engine_cannot_take_is_refused_before_anything_is_held(alices, rich, engine_id, mode, name, data, says):
    assert refused_file(alices, engine_id, mode, name, data).startswith(says)
    assert wallet(rich) == (100_000, 0)


def test_such_a_file_is_complained_of_as_soon_as_it_is_in_its_slot(alices):
    image = upload(alices, picture((63, 100))).json()["id"]
    html = draw(alices, "stable-image-structure", "structure", image=image).content.decode()
    assert "Each side must have at least 64 pixels; this one has 63 × 100." in html


def test_a_press_scales_no_picture(alices, rich, monkeypatch):
    """That is the worker's: here only what is wrong with a request is looked for."""
    engine = RECORDS["stable-diffusion-xl-1024-v1-0"].engine
    values = filled(alices, engine, Mode.INPAINTING)
    with monkeypatch.context() as patched:
        patched.setattr(ImageOps, "fit", lambda *args, **how: pytest.fail("scaled in the web process"))
        assert pressed(alices, values).status_code == 200
    [call] = calls(Job.objects.get())
    assert [Image.open(io.BytesIO(file.data)).size for file in call.files] == [(1024, 1024), (1024, 1024)]


def test_files_that_stay_too_big_are_refused_before_anything_is_held(alices, rich, stability, monkeypatch):
    record = RECORDS["stable-image-structure"]
    small = replace(record.services[Mode.STRUCTURE], body_limit=80 * 1024)
    monkeypatch.setitem(stability._records, record.id, replace(record, services={Mode.STRUCTURE: small}))
    assert pressed(alices, filled(alices, record.engine, Mode.STRUCTURE)).status_code == 200
    grain = Image.effect_noise((256, 256), 100).convert("RGB")
    buffer = io.BytesIO()
    grain.save(buffer, "PNG")
    problem = refused_file(alices, record.id, "structure", "image", buffer.getvalue())
    assert re.fullmatch(r"The files are too big: 0\.\d MB, and 0 MB is the most\.", problem)
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("engine_id", "mode", "title", "words"),
    [
        ("stable-image-core", "text-to-image", "Describe a picture", "Say what is in it, what colour it has, where it is and what time"),
        ("stable-image-erase", "erase", "Take out what you paint over", "Choose the picture to start from in the panel"),
        ("stable-fast-3d", "image-to-3d", "A model from one picture", "you see the price first, and turn the model when it is made."),
        ("stable-audio-2", "text-to-audio", "Describe the sound", "Say what plays, how fast it goes and how it feels."),
        ("stable-audio-2", "audio-to-audio", "Another sound from one you have", "Choose the sound to start from in the panel"),
    ],
)
def test_an_empty_stage_says_what_the_mode_makes(alices, engine_id, mode, title, words):
    page = draw(alices, engine_id, mode)
    beginning = page.context["beginning"]
    assert (beginning.title, words in beginning.words) == (title, True)
    assert f'<h2 data-says="beginTitle">{title}</h2>' in page.content.decode()


def test_every_mode_has_a_beginning():
    assert all(beginning_of(mode).title for mode in Mode)


@pytest.mark.parametrize(
    ("engine_id", "words"),
    [
        ("stable-diffusion-xl-1024-v1-0", "(word:1.3) gives a word more weight, (word:-0.5) keeps it out."),
        ("stable-image-core", "Stable Image Core takes weights up to 1: what weighs most counts as 1, the rest in proportion."),
        ("stable-image-outpaint", "Outpaint ignores weights: (cat:1.2) is read as cat."),
    ],
)
def test_an_engine_says_what_it_makes_of_weights(alices, engine_id, words):
    page = draw(alices, engine_id, RECORDS[engine_id].engine.modes[0].value)
    assert f"data-weights-help hidden>{words}" in page.content.decode()


def test_sdxl_calls_its_shapes_by_usual_names(alices):
    page = draw(alices, "stable-diffusion-xl-1024-v1-0", "text-to-image")
    labels = [shape.label for shape in page.context["form"].size_choices]
    assert labels == ["1:1", "5:4", "3:2", "16:9", "21:9", "9:21", "9:16", "2:3", "4:5"]


def test_what_a_provider_makes_is_said_to_be_made_there(alices):
    engine = RECORDS["stable-image-core"].engine
    assert pressed(alices, filled(alices, engine, engine.modes[0])).status_code == 200
    Job.objects.update(status=Job.Status.RUNNING)
    job = Job.objects.get()
    assert "Being made at the provider" in alices.get(reverse("job_stage", args=[job.pk]), **HTMX).content.decode()
    assert "being made at the provider" in alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()


def test_a_sound_in_its_slot_says_how_long_it_is(alices):
    sound = upload(alices, wav(75), "sound.wav").json()["id"]
    assert '<p class="help num">1:15</p>' in draw(alices, "stable-audio-2", "audio-to-audio", audio=sound).content.decode()


def settings_for(client, **query):
    form = draw(client, "stable-audio-2.5", "audio-inpainting", **query).context["form"]
    return [form[name].value() for name in ("duration", "mask_start", "mask_end")]


def test_what_nobody_chose_follows_the_sound(alices):
    eight, twenty = (upload(alices, wav(seconds), "sound.wav").json()["id"] for seconds in (8, 20))
    assert settings_for(alices) == [190, 30, 190]
    fresh = {"was": "stable-audio-2.5", "duration": "190", "mask_start": "30", "mask_end": "190"}
    assert settings_for(alices, audio=eight, **fresh) == [8, 2, 6]
    followed = {**fresh, "duration": "8", "mask_start": "2", "mask_end": "6", "was_audio": eight}
    assert settings_for(alices, audio=twenty, **followed) == [20, 5, 15]
    assert settings_for(alices, audio=twenty, **{**followed, "mask_end": "7"}) == [20, 5, "7"]


def test_what_is_left_empty_follows_the_sound(alices):
    engine = RECORDS["stable-audio-2.5"].engine
    values = filled(alices, engine, next(one for one in engine.modes if one.value == "audio-inpainting"))
    assert pressed(alices, {**values, "duration": "", "mask_start": "", "mask_end": ""}).status_code == 200
    assert Job.objects.get().request["extra"] | {"duration": 7, "mask_start": 2, "mask_end": 5} == Job.objects.get().request["extra"]


def test_a_file_in_a_slot_of_its_own_is_kept_with_the_job(alices):
    engine = RECORDS["stable-image-style-transfer"].engine
    values = filled(alices, engine, engine.modes[0])
    assert pressed(alices, values).status_code == 200
    row = JobInput.objects.get()
    assert (row.name, str(row.file_id), str(row.job.image_id)) == ("style_image", values["style_image"], values["image"])


def test_the_same_once_more_has_the_same_files(alices):
    engine = RECORDS["stable-image-style-transfer"].engine
    pressed(alices, filled(alices, engine, engine.modes[0]))
    first = Job.objects.get()
    Job.objects.update(status=Job.Status.FAILED)
    assert alices.post(reverse("job_retry", args=[first.pk]), {"idempotency_key": "again"}, **HTMX).status_code == 200
    second = Job.objects.exclude(pk=first.pk).get()
    assert second.given == first.given


def test_a_job_whose_file_is_gone_is_not_tried_again(alices, rich):
    engine = RECORDS["stable-image-style-transfer"].engine
    values = filled(alices, engine, engine.modes[0])
    pressed(alices, values)
    job = Job.objects.get()
    Job.objects.update(status=Job.Status.FAILED)
    InputFile.objects.filter(pk=values["style_image"]).delete()
    assert alices.post(reverse("job_retry", args=[job.pk]), {"idempotency_key": "again"}, **HTMX).status_code == 422
    assert "Choose a picture" in alices.get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert Job.objects.count() == 1


def test_an_optional_file_may_be_left_out(alices):
    engine = RECORDS["stable-image-replace-background-and-relight"].engine
    values = filled(alices, engine, engine.modes[0])
    del values["background_reference"], values["light_reference"]
    assert pressed(alices, values).status_code == 200
    assert list(Job.objects.get().given) == ["image"]


@pytest.mark.parametrize(
    ("engine_id", "mode", "values", "amount"),
    [
        ("stable-audio-2", "text-to-audio", {}, 20_000),
        ("stable-audio-2", "text-to-audio", {"num_inference_steps": "100"}, 23_000),
        ("stable-audio-2", "text-to-audio", {"num_inference_steps": "9999"}, 20_000),
        ("stable-diffusion-xl-1024-v1-0", "text-to-image", {"num_inference_steps": "50", "num_images": "2"}, 3_000),
        ("stable-image-ultra", "text-to-image", {"num_images": "4"}, 32_000),
        ("stable-fast-3d", "image-to-3d", {}, 10_000),
    ],
)
def test_the_price_follows_the_form(alices, engine_id, mode, values, amount):
    response = alices.post(reverse("create_quote"), fields(engine=engine_id, mode=mode, **{"num_images": "1", **values}), **HTMX)
    assert response.context["quote"].amount == amount


def test_a_price_by_the_step_says_from_which_step_on() -> None:
    said = dict(price_list())

    assert said["Stable Diffusion XL 1.0"] == "0.9 credits a picture, up to 30 steps; 0.03 for each step more"
    assert said["Stable Audio 2"] == "17 credits a track, and 0.06 for each step"
