"""Pages of templates: a team that took starters, made versions of one, shows it by a link, and has lists and rules of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from tests.browser.camera import Shot
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio

QUICK = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_WELCOME_CREDITS": "500"}
MUG = """
from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.models import BrandRule, PromptTemplate, Visibility, Wildcard
from studio.prompts.access import token_of
from studio.prompts.services import copies, templates
team, ana = Team.objects.get(), User.objects.get()
for slug in ("picture-book-scene", "storyboard", "social-post", "logo", "portrait"):
    copies.starter(team, slug, by=ana)
first = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product} on a {colour} seamless background"},
        {"name": "composition", "text": "centred, {soft shadow|hard shadow}"},
        {"name": "lighting", "text": "{light}"},
        {"name": "constraints", "text": "Harbour Street house style, no text, no people", "locked": True},
    ],
    "negative": {"text": "blurry, watermark"},
    "fields": [
        {"name": "product", "label": "Product", "type": "text", "required": True, "default": "a ceramic mug",
         "help": "What is sold, in a few words."},
        {"name": "colour", "label": "Background", "type": "colour", "default": "#d9a441"},
        {"name": "light", "label": "Light", "type": "choice", "choices": ["window light", "studio", "dusk"], "default": "window light"},
    ],
    "mode": "text-to-image", "parameters": {"num_images": 2}, "changeable": ["engine", "num_images", "seed"],
}
made = templates.create(team, author=ana, name="Product photo on colour", content=Content.checked(first),
    description="For the shop: one product, one colour, our light.", tags=["shop", "photo"])
templates.publish(made.versions.get(), by=ana)
second = {**first, "negative": {"text": "blurry, watermark, hands"}}
second["sections"] = [*first["sections"][:2], {"name": "lighting", "text": "{light}, gentle falloff"}, first["sections"][3]]
templates.save_version(made, author=ana, content=Content.checked(second), note="Softer light, no hands", after=1)
templates.favor(ana, made, True)
templates.set_visibility(made, Visibility.LINK, by=ana)
Wildcard.objects.create(team=team, name="shop-colours", lines="ochre\\nteal\\nbrick red", changed_by=ana)
BrandRule.objects.create(team=team, name="No rivals", kind="banned", words="Acme\\nGlobex", advice="Say “our mug”.", made_by=ana)
BrandRule.objects.create(team=team, name="Shop shapes", kind="size", ratios=["1:1", "4:5"], made_by=ana)
print("made", made.pk, token_of(made))
"""


@dataclass(frozen=True)
class Seeded:
    people: dict[str, Person]
    template: str
    token: str


def arrive(browser: Browser, studio: RunningStudio) -> Seeded:
    ana = Person(browser.new_context(), studio)
    ana.arrive("Ana Marques")
    done = studio.manage("shell", "--no-imports", "-c", MUG)
    assert done.returncode == 0, done.stderr
    _, template, token = done.stdout.split()[-3:]
    return Seeded({"owner": ana}, template, token)


def _of(rest: str = "") -> Callable[[Seeded], str]:
    return lambda seeded: f"/templates/{seeded.template}/{rest}"


TABLE = """product,colour,light,seed
a ceramic mug,#d9a441,window light,1
a teapot,#1f6f78,studio,2
a milk jug,teal,dusk,3
,#aa3322,noon,4
a plate with a very long name that goes on and on,#33aa55,window light,5"""


def look_at_every_row(page: Page) -> None:
    page.locator("#table").fill(TABLE)
    page.get_by_role("button", name="Look at every row").click()
    page.get_by_role("heading", name="rows are right").wait_for()


def fill_in_a_grid(page: Page) -> None:
    page.locator("#axis-x").select_option(label="Product")
    page.locator("#values-x").wait_for()
    page.locator("#values-x").fill("a ceramic mug, a teapot, a milk jug")
    page.locator("#axis-y").select_option("seed")
    page.locator("#values-y").wait_for()
    page.locator("#values-y").fill("1-2")
    page.get_by_role("heading", name="3 × 2 = 6 pictures").wait_for()


def make_the_grid(page: Page) -> None:
    fill_in_a_grid(page)
    page.locator("#generate").click()
    page.wait_for_url("**/batches/**")
    page.get_by_role("link", name="The sheet").wait_for()


def open_the_sheet(page: Page) -> None:
    make_the_grid(page)
    page.get_by_role("link", name="The sheet").click()
    page.get_by_role("heading", name="Sheet of a grid").wait_for()


def make_versions(page: Page) -> None:
    page.locator("#generate").click()
    page.wait_for_url("**/compare/**")
    page.get_by_role("heading", level=1).wait_for()


def pick_a_template(page: Page) -> None:
    toggle = page.locator("[data-sheet-toggle][aria-expanded=false]")
    if toggle.is_visible():
        toggle.click()
    page.locator("#panel").get_by_text("Template", exact=False).first.click()
    page.locator("dialog[open] .template-pick").first.wait_for()


def use_it(page: Page) -> None:
    toggle = page.locator("[data-sheet-toggle][aria-expanded=false]")
    if toggle.is_visible():
        toggle.click()


SHOTS = (
    Shot("templates", "/templates/"),
    Shot("template", _of()),
    Shot("template-new", "/templates/new/"),
    Shot("template-version", _of("versions/1/")),
    Shot("template-diff", _of("diff/")),
    Shot("template-starters", "/templates/starters/"),
    Shot("template-import", "/templates/import/"),
    Shot("template-export", "/templates/export/"),
    Shot("template-lists", "/templates/lists/"),
    Shot("template-list", "/templates/lists/named/shop-colours/"),
    Shot("template-rules", "/team/rules/"),
    Shot("template-rule", "/team/rules/new/size/"),
    Shot("template-shared", lambda seeded: f"/t/{seeded.token}/", "nobody"),
    Shot("template-shared-gone", "/t/made~up/", "nobody"),
    Shot("template-use", lambda seeded: f"/create/?template={seeded.template}", act=use_it, whole=False),
    Shot("template-pick", "/create/", act=pick_a_template, whole=False),
    Shot("template-table", lambda seeded: f"/create/batch/?template={seeded.template}"),
    Shot("template-rows", lambda seeded: f"/create/batch/?template={seeded.template}", act=look_at_every_row),
    Shot("template-grid", lambda seeded: f"/create/grid/?template={seeded.template}", act=fill_in_a_grid),
    Shot("template-grid-done", lambda seeded: f"/create/grid/?template={seeded.template}", act=make_the_grid),
    Shot("template-sheet", lambda seeded: f"/create/grid/?template={seeded.template}", act=open_the_sheet),
    Shot("template-compare", _of("compare/")),
    Shot("template-compared", _of("compare/"), act=make_versions),
    Shot("template-feed", "/create/", whole=False),
)
