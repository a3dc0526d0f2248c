"""A studio that people have worked in: accounts, a team, pictures, and jobs that went wrong, all made through the front door."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.running import ROOT, RunningStudio, eventually

PROMPTS = (
    "a red sailboat on the sea at sunset, watercolor",
    "a cute orange cat in a meadow",
    "a castle under the northern lights",
    "pencil sketch of a lighthouse by the sea",
    "a purple hot air balloon over the mountains at dawn",
    "a snowman with a red scarf in the city in winter",
    "a blue house in the forest at night, neon",
)
BATCH = "a yellow robot in the desert, pixel art"
RIGHT_TO_LEFT = (
    "قارب شراعي أحمر في بحر هادئ عند غروب الشمس، وخلفه جبال بعيدة وسماء برتقالية، ونوارس بيضاء فوق الأمواج، "
    "ومنارة صغيرة على صخرة في الأفق، وقمر أول الليل يصعد فوق الماء ببطء، بألوان مائية ناعمة على ورق خشن"
)
TEXT = "/create/?mode=text-to-image"
"""Create with an empty form; without a mode it brings back what was in the form before."""
LONG_RUN = {"num_images": "4", "num_inference_steps": "60"}
"""Several seconds on two cores: long enough to be looked at in the middle."""


def sign_up(browser: Browser, studio: RunningStudio) -> dict[str, Person]:
    """Two who have made nothing yet: Ana opened the studio, and so is its operator; Ben works in it."""
    people = {}
    for who, name in (("owner", "Ana Marques"), ("member", "Ben Okafor")):
        people[who] = Person(browser.new_context(), studio)
        people[who].arrive(name)
    return people


@dataclass
class Seeded:
    """What was made, as addresses: `pictures` maps a name to the path of a picture's page, `jobs` to that of a job's stage on Create."""

    owner: Person
    viewer: Person
    pictures: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    invitation: str = ""


def dashed(hex_id: str) -> str:
    return re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", hex_id)


def newest_job(studio: RunningStudio) -> tuple[str, str]:
    """Id with dashes and state of the newest job."""
    job, status = studio.rows("SELECT id, status FROM generation_job ORDER BY id DESC LIMIT 1")[0]
    return dashed(job), status


def await_end(person: Person, status: str = "succeeded") -> str:
    """Wait until the stage shows the job at its end; returns its id."""
    stage = person.page.locator(f"#stage .stage-job[data-status={status}]")
    expect(stage).to_be_visible()
    return stage.get_attribute("id").removeprefix("stage-")


def seed(browser: Browser, studio: RunningStudio, owner: Person) -> Seeded:
    """Fill the studio of `owner`, who is signed in. Takes about a minute on two cores."""
    viewer = invite(browser, studio, owner)
    seeded = Seeded(owner=owner, viewer=viewer[0], invitation=viewer[1].removeprefix(studio.url))
    owner.go("/create/")
    go_wrong(seeded, studio)
    make_pictures(seeded, studio)
    add_media(seeded, studio)
    return seeded


def add_media(seeded: Seeded, studio: RunningStudio, email: str = "ana@harbour.example") -> None:
    """A 3D model, a sound, and two sounds of one job, which no engine of this studio makes: written by a process of its own."""
    code = f"from tests.browser.media import make; make({email!r})"
    done = studio.manage("shell", "--no-imports", "-c", code)
    assert done.returncode == 0, done.stderr
    for name, (artifact, job) in json.loads(done.stdout.splitlines()[-1]).items():
        seeded.pictures[name] = f"/pictures/{artifact}/"
        seeded.jobs[name] = f"/create/?job={job}"


def invite(browser: Browser, studio: RunningStudio, owner: Person) -> tuple[Person, str]:
    """A team with a second member, who may only look, and an invitation that nobody has used; the owner ends in their own team."""
    page = owner.go("/account/")
    page.get_by_label("Name of the team").fill("Harbour Press")
    page.get_by_role("button", name="Make a team").click()
    links = []
    for role in ("viewer", "creator"):
        page.goto(f"{studio.url}/team/")
        page.get_by_text("Make a link instead").click()
        form = page.locator("form[action$='/invitations/link/']")
        form.get_by_label("Role").select_option(role)
        with page.expect_navigation():
            form.get_by_role("button", name="Make a link").click()
        links.append(page.get_by_label("Invitation link").input_value())
    page.goto(f"{studio.url}/account/")
    with page.expect_navigation():
        page.locator("#teams li").filter(has_text="Personal").get_by_role("button").click()
    viewer = Person(browser.new_context(), studio)
    viewer.page.goto(links[0])
    viewer.page.get_by_role("link", name="Make an account").click()
    viewer.page.get_by_label("Your name").fill("Carol Oyelaran")
    viewer.page.get_by_label("Email").fill("carol@harbour.example")
    viewer.page.get_by_label("Password", exact=True).fill(PASSWORD)
    viewer.page.keyboard.press("Enter")
    viewer.page.wait_for_url("**/create/**")
    return viewer, links[1]


def go_wrong(seeded: Seeded, studio: RunningStudio) -> None:
    """A job that was stopped, and one whose input picture vanished from the disk before the engine read it."""
    owner, page = seeded.owner, seeded.owner.page
    owner.generate("a windmill in the hills", **LONG_RUN)
    expect(page.locator("#stage .veil")).to_contain_text("step")
    page.locator("#stage").get_by_role("button", name="Stop").click()
    seeded.jobs["stopped"] = f"/create/?job={await_end(owner, 'canceled')}"

    owner.go("/create/?mode=image-to-image")
    with page.expect_response("**/inputs/") as answer:
        page.locator("#panel input[type=file]").set_input_files(ROOT / "static" / "img" / "welcome" / "lighthouse.webp")
    expect(page.locator(".input-frame img")).to_be_visible()
    [(file,)] = studio.rows("SELECT file FROM generation_inputfile WHERE id = ?", answer.value.json()["id"].replace("-", ""))
    (studio.data_dir / "media" / file).unlink()
    owner.generate("a lighthouse at sunset, watercolor")
    seeded.jobs["failed"] = f"/create/?job={await_end(owner, 'failed')}"


def make_pictures(seeded: Seeded, studio: RunningStudio) -> None:
    """Twelve pictures and more: alone, as a batch of four, from a picture, into a mask, and with a prompt from right to left."""
    owner, page = seeded.owner, seeded.owner.page
    for prompt in (PROMPTS[1], RIGHT_TO_LEFT, *PROMPTS[2:]):
        generate(seeded, studio, TEXT, prompt)
    seeded.jobs["batch"] = generate(seeded, studio, TEXT, BATCH, num_images="4")
    seeded.jobs["done"] = generate(seeded, studio, TEXT, PROMPTS[0])
    start = seeded.pictures[PROMPTS[0]].split("/")[2]
    generate(seeded, studio, f"/create/?from={start}&use=image", "a red sailboat on the sea at night, watercolor")
    seeded.pictures["from a picture"] = seeded.pictures["a red sailboat on the sea at night, watercolor"]
    owner.go(f"/create/?from={start}&use=mask")
    paint(page)
    generate(seeded, studio, "", "a yellow sailboat on the sea at sunset, watercolor")
    page.goto("about:blank")


def generate(seeded: Seeded, studio: RunningStudio, path: str, prompt: str, **fields: str) -> str:
    """One run to its end; returns the address that shows it on the stage."""
    if path:
        seeded.owner.go(path)
    before = newest_job(studio)[0]
    seeded.owner.generate(prompt, **fields)
    eventually(seeded.owner.page, lambda: newest_job(studio)[0] != before and newest_job(studio)[1] == "succeeded")
    job = newest_job(studio)[0]
    [(artifact,), *_] = studio.rows("SELECT id FROM generation_artifact WHERE job_id = ? ORDER BY id", job.replace("-", ""))
    seeded.pictures[prompt] = f"/pictures/{dashed(artifact)}/"
    return f"/create/?job={job}"


def paint(page: Page) -> None:
    """Two strokes over the middle of the picture in the mask painter."""
    canvas = page.locator("mask-painter:not([aria-busy]) canvas").last
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = page.mouse
    for height in (0.42, 0.55):
        mouse.move(box["x"] + box["width"] * 0.32, box["y"] + box["height"] * height)
        mouse.down()
        mouse.move(box["x"] + box["width"] * 0.66, box["y"] + box["height"] * (height + 0.06), steps=12)
        mouse.up()


@contextmanager
def broken(studio: RunningStudio) -> Iterator[None]:
    """The wallet page has no ledger to read: what a person sees when something really broke."""
    ledger, away = "billing_ledgerentry", "billing_ledgerentry_away"
    database = sqlite3.connect(studio.data_dir / "studio.sqlite3", timeout=30, isolation_level=None)
    try:
        database.execute("PRAGMA legacy_alter_table=ON")
        database.execute(f"ALTER TABLE {ledger} RENAME TO {away}")
        yield
    finally:
        database.execute(f"ALTER TABLE {away} RENAME TO {ledger}")
        database.close()
