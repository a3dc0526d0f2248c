"""`make screenshots`: real studios with real work in them, every page at 1440 and 390 px, dark and light, into `var/screenshots/`.

    python -m tests.browser.screenshots             every page
    python -m tests.browser.screenshots wallet mfa  only pages whose name holds one of the words
    python -m tests.browser.screenshots --readme    every page, and the pictures of README anew

Names are `<page>-<width>-<theme>.png`; `sheet-<width>-<theme>.webp` shows all of one kind at a glance.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import buying_shots, developer_shots, operator_shots, plan_shots, team_shots, template_shots
from tests.browser.camera import SIZES, TARGET, THEMES, Shot, look, press
from tests.browser.conftest import ARGUMENTS, PASSWORD, Person
from tests.browser.running import ROOT, RunningStudio
from tests.browser.seeding import BATCH, PROMPTS, RIGHT_TO_LEFT, TEXT, broken, paint, seed

README = {"create-running-1440-dark.png": "create.webp", "library-1440-light.png": "library.webp"}
"""Screenshot -> name in `.github/screenshots/`."""
COLOURS = cycle(("blue", "yellow", "red", "purple"))
"""One for each screen, so that the library is not full of one picture."""
PREVIEW = """() => { const i = document.querySelector('#stage img.shown'), step = /\\/preview\\/(\\d+)/.exec(i?.src ?? '');
  return step && step[1] >= 24 && i.complete && i.naturalWidth > 0 }"""
FORBIDDEN = """() => { const form = document.createElement('form'), token = document.createElement('input');
  [form.method, form.action, token.name] = ['post', '/create/', 'csrfmiddlewaretoken'];
  token.value = /csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? document.querySelector('[name=csrfmiddlewaretoken]').value;
  form.append(token); document.body.append(form); form.submit() }"""


# --- what is done on a page before it is looked at -------------------------------------------------------------------


def open_the_sheet(page: Page) -> None:
    """On a phone the panel is a sheet, which is closed at first."""
    toggle = page.locator("[data-sheet-toggle][aria-expanded=false]")
    if toggle.is_visible():
        toggle.click()


def run_and_look(page: Page) -> None:
    """Start a run of several seconds and wait until a preview of it can be seen."""
    open_the_sheet(page)
    panel = page.locator("#panel")
    panel.locator("textarea[name=prompt]").fill(f"a {next(COLOURS)} sailboat on the sea at sunset, watercolor")
    panel.locator("label:has([name=num_images][value='4'])").click()
    panel.locator("details.advanced > summary").click()
    panel.locator("[name=num_inference_steps]").first.fill("100")
    panel.locator("details.advanced > summary").click()
    panel.locator("textarea[name=prompt]").press("Control+Enter")
    page.wait_for_function(PREVIEW, timeout=60_000)


def ask_too_much(page: Page) -> None:
    """A form that comes back with what is wrong."""
    page.locator("#panel textarea[name=prompt]").press("Control+Enter")
    expect(page.locator("#panel .errorlist").first).to_be_visible()


def paint_a_mask(page: Page) -> None:
    paint(page)
    page.locator("mask-painter").evaluate("e => e.scrollIntoView({block: 'center'})")


def choose_an_engine(page: Page) -> None:
    open_the_sheet(page)
    page.locator("#engine-picker summary").click()


def write_in_other_letters(page: Page) -> None:
    open_the_sheet(page)
    page.locator("#panel textarea[name=prompt]").fill(RIGHT_TO_LEFT)


def await_the_model(page: Page) -> None:
    page.locator("model-view[data-state=shown]").wait_for()
    page.get_by_role("button", name="Turn by itself").click()


def listen_a_while(page: Page) -> None:
    """A sound that stands at a third of its length."""
    wave = page.locator("audio-player .wave")
    wave.click(position={"x": wave.bounding_box()["width"] / 3, "y": 20})
    expect(wave).not_to_have_attribute("aria-valuenow", "0")


def explain_a_charge(page: Page) -> None:
    page.goto(page.locator("#statement .explain").first.evaluate("link => link.href"))


def fill_in_the_welcome(page: Page) -> None:
    page.get_by_label("Your name").fill("Ana Marques")
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill("short")
    page.keyboard.press("Enter")
    expect(page.locator(".errorlist").first).to_be_visible()


def sign_in_wrongly(page: Page) -> None:
    page.get_by_label("Email").fill("ana@harbour.example")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.keyboard.press("Enter")
    expect(page.locator(".errorlist, [role=alert]").first).to_be_visible()


def prove_it_again(page: Page) -> None:
    """Give the password where a page of the account asks for it once more."""
    if "reauthenticate" in page.url:
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        with page.expect_navigation():
            page.keyboard.press("Enter")


def be_refused(page: Page) -> None:
    with page.expect_navigation():
        page.evaluate(FORBIDDEN)


FIRST = (Shot("welcome", "/", "nobody"), Shot("welcome-error", "/welcome/", "nobody", fill_in_the_welcome))
EMPTY = (
    Shot("create-empty", "/create/", whole=False),
    Shot("library-empty", "/library/"),
    Shot("wallet-empty", "/wallet/"),
)
FULL = (
    Shot("create-running", TEXT, act=run_and_look, whole=False),
    Shot("create-done", lambda s: s.jobs["done"], whole=False),
    Shot("create-whole", lambda s: s.jobs["batch"]),
    Shot("create-inpaint", lambda s: f"/create/?from={s.pictures[PROMPTS[0]].split('/')[2]}&use=mask", act=paint_a_mask, whole=False),
    Shot("create-image", lambda s: f"/create/?from={s.pictures[PROMPTS[0]].split('/')[2]}&use=image", whole=False),
    Shot("create-error", lambda s: s.jobs["failed"], whole=False),
    Shot("create-stopped", lambda s: s.jobs["stopped"], whole=False),
    Shot("create-invalid", TEXT, act=ask_too_much, whole=False),
    Shot("create-sheet", TEXT, act=write_in_other_letters, whole=False),
    Shot("create-engines", TEXT, act=choose_an_engine, whole=False),
    Shot("create-keys", TEXT, act=lambda page: page.evaluate("document.getElementById('hotkeys').showModal()"), whole=False),
    Shot("create-viewer", "/create/", "viewer", whole=False),
    Shot("menu", "/library/", act=press(".bar .menu:last-of-type summary"), whole=False),
    Shot("library", "/library/", whole=False),
    Shot("library-search", "/library/?q=sailboat", whole=False),
    Shot("library-search-empty", "/library/?q=zeppelin", whole=False),
    Shot("picture", lambda s: s.pictures[PROMPTS[0]], whole=False),
    Shot("picture-batch", lambda s: s.pictures[BATCH]),
    Shot("picture-inpaint", lambda s: s.pictures["a yellow sailboat on the sea at sunset, watercolor"]),
    Shot("picture-rtl", lambda s: s.pictures[RIGHT_TO_LEFT]),
    Shot("create-model", lambda s: s.jobs["model"], act=await_the_model, whole=False),
    Shot("create-sound", lambda s: s.jobs["sounds"], act=listen_a_while, whole=False),
    Shot("picture-model", lambda s: s.pictures["model"], act=await_the_model, whole=False),
    Shot("picture-sound", lambda s: s.pictures["sound"], act=listen_a_while, whole=False),
    Shot("wallet", "/wallet/"),
    Shot("budgets", "/wallet/budgets/"),
    Shot("wallet-year", "/wallet/?span=12&split=person&kind=capture"),
    Shot("wallet-statements", "/wallet/statements/"),
    Shot("wallet-explained", "/wallet/", act=explain_a_charge),
    Shot("account", "/account/"),
    Shot("team", "/team/", "viewer"),
    Shot("team-own", "/team/"),
    Shot("email", "/accounts/email/"),
    Shot("password", "/accounts/password/change/"),
    Shot("mfa", "/accounts/2fa/", act=prove_it_again),
    Shot("mfa-app", "/accounts/2fa/totp/activate/", act=prove_it_again),
    Shot("sessions", "/accounts/sessions/"),
    Shot("login", "/accounts/login/", "nobody"),
    Shot("login-error", "/accounts/login/", "nobody", sign_in_wrongly),
    Shot("password-reset", "/accounts/password/reset/", "nobody"),
    Shot("signup-closed", "/accounts/signup/", "nobody"),
    Shot("invitation", lambda s: s.invitation, "nobody"),
    Shot("signup", "/accounts/signup/", "nobody"),
    Shot("invitation-closed", "/invitations/not-a-link/", "nobody"),
    Shot("404", "/nowhere/"),
    Shot("403", "/create/", "viewer", be_refused),
    Shot("admin", "/admin/"),
    Shot("admin-wallets", "/admin/billing/wallet/"),
    Shot("admin-price-list", "/admin/pricing/pricelist/add/"),
    Shot("admin-cost-report", "/admin/costs/costreport/"),
    Shot("admin-users", "/admin/accounts/user/1/change/"),
)
BROKEN = Shot("500", "/wallet/")


def photograph_one(browser: Browser, studio: RunningStudio, wanted: Callable[[tuple[Shot, ...]], tuple[Shot, ...]]) -> None:
    """Somebody's first minutes in a new studio, and their work in it with the local engine."""
    look(browser, studio, wanted(FIRST), {})
    owner = Person(browser.new_context(), studio)
    owner.arrive("Ana Marques")
    look(browser, studio, wanted(EMPTY), {"owner": owner})
    if not wanted((*FULL, BROKEN)):
        return
    seeded = seed(browser, studio, owner)
    people = {"owner": seeded.owner, "viewer": seeded.viewer}
    look(browser, studio, wanted(FULL), people, seeded)
    with broken(studio):
        look(browser, studio, wanted((BROKEN,)), people, seeded)


def photograph_team(browser: Browser, studio: RunningStudio, wanted: Callable[[tuple[Shot, ...]], tuple[Shot, ...]], letters: Path) -> None:
    """A team that has worked for a while."""
    seeded = team_shots.arrive(browser, studio, letters)
    look(browser, studio, wanted(team_shots.SHOTS), seeded.people, seeded)
    team_shots.run(studio, "ask_anew()")
    look(browser, studio, wanted(team_shots.ASKED_ANEW), seeded.people, seeded)


def photograph(browser: Browser, folder: Path, words: list[str]) -> int:
    """Every page on every screen, in several studios; with words only those whose name holds one. Returns the worst exit status."""

    def wanted(shots: tuple[Shot, ...]) -> tuple[Shot, ...]:
        return tuple(shot for shot in shots if not words or any(word in shot.name for word in words))

    status = 0
    if wanted((*FIRST, *EMPTY, *FULL, BROKEN)):
        with running(browser, RunningStudio(folder / "one", STUDIO_WELCOME_CREDITS="120")) as studio:
            studio.wait_for(r"^local.*worker_ready")
            photograph_one(browser, studio, wanted)
        status = studio.stop()
    if wanted((*team_shots.SHOTS, *team_shots.ASKED_ANEW)):
        letters = folder / "letters"
        letters.mkdir()
        quick = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_EMAIL_URL": f"filemail:///{letters}"}
        with running(browser, RunningStudio(folder / "team", **quick)) as studio:
            photograph_team(browser, studio, wanted, letters)
        status = studio.stop() or status
    if wanted(buying_shots.SHOTS):
        with buying_shots.shop(folder / "shop") as (studio, stripe):
            bought = buying_shots.arrive(browser, studio, stripe)
            look(browser, studio, wanted(buying_shots.SHOTS), bought.people, bought)
    if wanted(plan_shots.SHOTS):
        with buying_shots.shop(folder / "plans", **plan_shots.SELLING) as (studio, stripe):
            plan_shots.photograph(browser, studio, stripe, wanted)
    if wanted(template_shots.SHOTS):
        with running(browser, RunningStudio(folder / "templates", **template_shots.QUICK)) as studio:
            made = template_shots.arrive(browser, studio)
            look(browser, studio, wanted(template_shots.SHOTS), made.people, made)
        status = studio.stop() or status
    if wanted((*developer_shots.EMPTY, *developer_shots.SHOTS)):
        with running(browser, RunningStudio(folder / "developers", **developer_shots.QUICK)) as studio:
            developer_shots.photograph(browser, studio, wanted)
        status = studio.stop() or status
    if wanted((*operator_shots.EMPTY, *operator_shots.SHOTS)):
        with running(browser, RunningStudio(folder / "operator", **operator_shots.QUICK)) as studio:
            operator_shots.photograph(browser, studio, wanted)
        status = studio.stop() or status
    return status


@contextmanager
def running(browser: Browser, studio: RunningStudio) -> Iterator[RunningStudio]:
    """A studio that is up; when something goes wrong, it is shown what was on the screens."""
    try:
        yield studio.start()
    except BaseException:
        print("\n".join(studio.lines[-12:]))
        for number, page in enumerate(page for context in browser.contexts for page in context.pages):
            page.screenshot(path=TARGET / f"failure-{number}.png")
        studio.stop()
        raise


def contact_sheets() -> None:
    """All screenshots of one width and theme on one picture, each cut at the fold."""
    for width, height in SIZES.items():
        across, shown = (6, 420) if width > 720 else (12, 210)
        for theme in THEMES:
            files = sorted(TARGET.glob(f"*-{width}-{theme}.png"), key=lambda file: file.name)
            cell = (shown, round(shown * height / width) + 18)
            rows = -(-len(files) // across)
            sheet = Image.new("RGB", (across * (cell[0] + 10) + 10, rows * (cell[1] + 10) + 10), "#777777")
            pen = ImageDraw.Draw(sheet)
            for index, file in enumerate(files):
                at = (10 + index % across * (cell[0] + 10), 10 + index // across * (cell[1] + 10))
                with Image.open(file) as picture:
                    fold = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, round(picture.width * height / width))))
                sheet.paste(fold.resize((shown, round(shown * fold.height / fold.width)), Image.Resampling.LANCZOS), (at[0], at[1] + 18))
                pen.text((at[0], at[1] + 3), file.name.removesuffix(f"-{width}-{theme}.png"), fill="white")
            sheet.save(TARGET / f"sheet-{width}-{theme}.webp", quality=82)
            print(f"  {(TARGET / f'sheet-{width}-{theme}.webp').relative_to(ROOT)}")


def for_the_readme() -> None:
    folder = ROOT / ".github" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for source, name in README.items():
        with Image.open(TARGET / source) as picture:
            picture.convert("RGB").save(folder / name, quality=80, method=6)
        print(f"  {(folder / name).relative_to(ROOT)}: {(folder / name).stat().st_size / 1000:.0f} kB")


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the studio is stopped, too
    if not words:
        shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory(prefix="atelier-screenshots-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            status = photograph(browser, Path(folder), words)
        finally:
            browser.close()
    contact_sheets()
    if "--readme" in arguments:
        for_the_readme()
    print(f"{len(list(TARGET.glob('*.png')))} pictures in {TARGET.relative_to(ROOT)}/, {time.monotonic() - started:.0f} s.")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
