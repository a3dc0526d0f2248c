"""Alternatives and lists in any prompt: what each picture draws, all combinations at once, and the same words again from the same seed."""

import pytest
from django.urls import reverse
from django.utils import timezone

from studio.generation.models import Artifact, Batch, Job, Worker
from studio.generation.services import claim, succeed
from studio.prompts.content import Content
from studio.prompts.filling import typed
from studio.prompts.models import Wildcard
from studio.prompts.services import templates
from tests.generation.conftest import HTMX, fields, initial, media, press, price_of_one, wallet

pytestmark = pytest.mark.django_db
WRITTEN = "a {red|green|blue|white} boat {at dawn|at noon}"
LISTS: dict[str, tuple[str, ...]] = {}


def words(seed: int, written: str = WRITTEN) -> str:
    return typed(written, wildcards=LISTS).at(seed).prompt.text


def make_all(job: Job) -> list[Artifact]:
    """Let a worker make what waits; each picture with the seed of its job."""
    while claimed := claim(["null"], "w", batch=False):
        assert succeed(claimed[0], media(1))
        Artifact.objects.filter(job=claimed[0]).update(seed=claimed[0].request["seed"])
    return list(Artifact.objects.order_by("job_id"))


def test_one_picture_is_one_job_with_both_texts(alices):
    assert press(alices, prompt=WRITTEN, seed="7", num_images="1").status_code == 200
    job = Job.objects.get()
    assert job.request["prompt"] == words(7)
    assert job.written == {"prompt": WRITTEN, "negative_prompt": ""}
    assert (job.batch, job.template_values) == (None, None)


def test_words_without_alternatives_are_remembered_once(alices):
    press(alices, prompt='a {boat} and {"json": 1}', num_images="2")
    job = Job.objects.get()
    assert (job.request["prompt"], job.written, job.num_images) == ('a {boat} and {"json": 1}', None, 2)


def test_a_random_seed_decides_the_words_too(alices):
    press(alices, prompt=WRITTEN, num_images="1")
    job = Job.objects.get()
    assert job.request["prompt"] == words(job.request["seed"])


def test_each_of_several_draws_its_own_words(alices, rich):
    assert press(alices, prompt=WRITTEN, seed="7", num_images="4").status_code == 200
    batch = Batch.objects.get()
    jobs = list(batch.jobs.order_by("batch_place"))
    assert (batch.kind, batch.size, batch.title) == ("variations", 4, WRITTEN)
    assert [job.request["seed"] for job in jobs] == [7, 8, 9, 10]
    assert [job.request["prompt"] for job in jobs] == [words(seed) for seed in (7, 8, 9, 10)]
    assert {job.num_images for job in jobs} == {1}
    assert {job.written["prompt"] for job in jobs} == {WRITTEN}
    assert wallet(rich) == (100_000, 4 * price_of_one())


def test_a_double_click_is_one_batch(alices, rich):
    press(alices, prompt=WRITTEN, num_images="4")
    again = press(alices, prompt=WRITTEN, num_images="4")
    assert (again.status_code, Batch.objects.count(), Job.objects.count()) == (200, 1, 4)
    assert wallet(rich) == (100_000, 4 * price_of_one())


def test_without_javascript_several_lead_to_their_batch(alices):
    response = alices.post(reverse("create"), fields(prompt=WRITTEN, num_images="4"))
    assert (response.status_code, response["Location"]) == (302, reverse("batch", args=[Batch.objects.get().pk]))


def test_the_second_of_several_made_again_alone_has_the_same_words(alices):
    press(alices, prompt=WRITTEN, seed="7", num_images="4")
    pictures = make_all(Job.objects.first())
    values = initial(alices, **{"from": pictures[1].pk, "use": "all"})
    assert (values["prompt"], values["seed"], values["num_images"]) == (WRITTEN, 8, 1)
    press(alices, **{name: value for name, value in values.items() if value not in (None, "")} | {"idempotency_key": "again"})
    assert Job.objects.latest("id").request["prompt"] == pictures[1].job.request["prompt"] == words(8)


def test_a_remix_draws_new_words(alices):
    press(alices, prompt=WRITTEN, seed="7", num_images="1")
    [picture] = make_all(Job.objects.get())
    values = initial(alices, **{"from": picture.pk, "use": "remix"})
    assert (values["prompt"], values["seed"]) == (WRITTEN, None)


def test_use_all_gives_the_very_words_where_a_list_has_changed(alices, alice, rich):
    own = Wildcard.objects.create(team=rich, name="pet", lines="fox\nhare\nowl\nbear", changed_by=alice)
    press(alices, prompt="a __pet__ {in|on} snow", seed="7", num_images="1")
    [picture] = make_all(Job.objects.get())
    assert initial(alices, **{"from": picture.pk, "use": "all"})["prompt"] == "a __pet__ {in|on} snow"
    own.lines = "mouse"
    own.save()
    page = alices.get(reverse("create"), {"from": picture.pk, "use": "all"})
    assert page.context["form"]["prompt"].value() == picture.job.request["prompt"]
    assert "These are the words that the picture was made with" in page.content.decode()


# --- all combinations --------------------------------------------------------------------------------------------------


def quote(client, **changes):
    return client.post(reverse("create_quote"), fields(**changes), **HTMX)


def test_count_and_price_come_before_the_press(alices):
    page = quote(alices, prompt=WRITTEN, seed="7")
    wording = page.context["wording"]
    assert (wording.combinations, wording.all, wording.offers_all) == (8, 8 * price_of_one(), True)
    assert "".join(part.text for part in wording.prompt) == words(7)
    assert "Make all 8" in page.content.decode()
    assert quote(alices, prompt="a boat").context["wording"] is None


def test_all_combinations_have_the_same_seed_and_each_its_words(alices, rich):
    assert press(alices, prompt=WRITTEN, seed="7", num_images="2", all="8").status_code == 200
    batch = Batch.objects.get()
    prompts = list(batch.jobs.order_by("batch_place").values_list("request__prompt", "request__seed"))
    colours, times = ("red", "green", "blue", "white"), ("at dawn", "at noon")
    assert prompts == [(f"a {colour} boat {time}", 7) for colour in colours for time in times]
    assert batch.kind == "combinations"
    assert wallet(rich) == (100_000, 8 * price_of_one())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"all": "7"}, "There are 8 combinations now. Look at the price, then press again."),
        ({"prompt": "a boat", "all": "8"}, "There are 1 combinations; from 2 to 500 can be made at once."),
        ({"prompt": "{a|b|c|d|e|f|g|h|i|j}" * 3, "all": "1000"}, "There are 1,000 combinations; from 2 to 500 can be made at once."),
        ({"prompt": "{|a boat}", "all": "2"}, "One of these prompts would be empty."),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_charged(alices, rich, changes, says):
    response = press(alices, **{"prompt": WRITTEN, "seed": "2", **changes})
    assert response.status_code == 422
    assert says in str(response.context["form"].errors)
    assert response.context["form"]["prompt"].value() == changes.get("prompt", WRITTEN)
    assert (Batch.objects.count(), Job.objects.count(), wallet(rich)) == (0, 0, (100_000, 0))


def test_too_few_credits_for_all_leave_nothing_behind(alices, rich):
    many = "{a|b|c|d|e|f|g|h|i|j} {a|b|c|d|e|f|g|h|i|j|k|l|m|n|o}"
    response = press(alices, prompt=many, all="150")
    assert response.status_code == 422
    assert "are missing" in str(response.context["form"].errors)
    assert (Batch.objects.count(), Job.objects.count(), wallet(rich)) == (0, 0, (100_000, 0))


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("a __beast__", "There is no wildcard “beast”."),
        ("{3$$a|b}", "3 alternatives are to be taken here, but there are only 2."),
        ("{0::a|0::b}", "have the odds 0"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_prompt(alices, rich, prompt, says):
    response = press(alices, prompt=prompt)
    assert response.status_code == 422
    assert says in str(response.context["form"].errors["prompt"])
    assert says in quote(alices, prompt=prompt).context["wording"].problem
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))


def test_an_unknown_list_names_those_there_are(alices, alice, rich):
    Wildcard.objects.create(team=rich, name="aaa-ours", lines="x", changed_by=alice)
    assert "There are: aaa-ours, " in str(press(alices, prompt="__beast__").context["form"].errors["prompt"])


def test_only_what_comes_out_has_to_fit(alices):
    long = "x" * 6_000
    assert press(alices, prompt=f"{{{long}|{long}}}", num_images="1").status_code == 200
    assert len(Job.objects.get().request["prompt"]) == 6_000
    response = press(alices, prompt=f"{{{long}|{long}}} {long[:5000]}", num_images="1", idempotency_key="k2")
    assert response.status_code == 422
    assert "Prompt may have at most 10,000 characters; this has 11,001" in str(response.context["form"].errors["prompt"])


def test_a_template_with_alternatives_makes_variations_and_combinations(alices, alice, rich):
    content = Content.checked(
        {
            "sections": [{"name": "prompt", "text": "{thing} in {soft|hard} light"}],
            "fields": [{"name": "thing", "required": True}],
            "changeable": ["num_images", "seed", "engine", "mode"],
        }
    )
    template = templates.create(rich, author=alice, name="Light", content=content)
    version = template.versions.get()
    page = {"template": str(version.pk), "field_thing": "a {x|y} mug", "seed": "3"}
    press(alices, **page, all="2")
    press(alices, **page, num_images="2", idempotency_key="k2")
    everything, variations = Batch.objects.order_by("id")
    assert everything.title == "Light, version 1"
    assert [job.request["prompt"] for job in everything.jobs.order_by("batch_place")] == [
        "a {x|y} mug in soft light",
        "a {x|y} mug in hard light",
    ]
    assert [job.request["seed"] for job in variations.jobs.order_by("batch_place")] == [3, 4]
    assert {job.template_version_id for job in Job.objects.all()} == {version.pk}
    assert {job.template_values["fields"]["thing"] for job in Job.objects.all()} == {"a {x|y} mug"}


def test_a_preview_of_several_words_is_not_offered(alices):
    Worker.objects.create(name="null", queues=["null"], state="ready", pid=1, host="here", heartbeat_at=timezone.now())
    assert quote(alices, prompt=WRITTEN, num_images="1", num_inference_steps="40").context["preview"] is not None
    assert quote(alices, prompt=WRITTEN, num_images="2", num_inference_steps="40").context["preview"] is None


def test_a_press_on_a_preview_that_is_offered_no_more_makes_nothing_at_the_full_price(alices, rich):
    Worker.objects.create(name="null", queues=["null"], state="ready", pid=1, host="here", heartbeat_at=timezone.now())
    response = press(alices, prompt=WRITTEN, num_images="4", num_inference_steps="40", preview="1")
    assert response.status_code == 422
    assert "There is no cheaper way to try this any more." in str(response.context["form"].errors)
    assert (Batch.objects.count(), Job.objects.count(), wallet(rich)) == (0, 0, (100_000, 0))
