"""The project's own Stability client pointed at the project's own server: every engine in every mode, on the tiny model where it can.

Two settings make it: the host is the studio's, the key one of the studio's. What no engine here does is refused in the contract's shape
with a sentence, and costs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image

from studio.backends.base import Mode
from studio.backends.errors import BackendError
from studio.backends.stability import StabilityBackend
from studio.backends.stability.engines import catalogue
from tests.backends.stability.conftest import generate, wanted
from tests.browser.running import RunningStudio

MAKE_KEY = """
from accounts import keys
from accounts.services import create_team, create_user_with_team
from billing.services import wallets
ana = create_user_with_team(email="ana@harbour.example", name="Ana Marques", password="a long enough password", email_verified=True)
team = create_team("Harbour Street", ana)
wallets.grant(wallets.wallet_of(team), 1_000_000, reference="test", description="For the test")
print(keys.make(team, ana, name="Robot", scopes=["generate", "billing:read"]).secret)
"""
RECORDS = catalogue("stability")
EVERYTHING = [(engine_id, mode) for engine_id, record in RECORDS.items() for mode in record.engine.modes]
SD35 = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
SDXL = "stable-diffusion-xl-1024-v1-0"
TEXT, IMAGE, INPAINT = Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING
MADE = {
    ("stable-image-core", TEXT): (1536, 1536),
    ("stable-image-ultra", TEXT): (1024, 1024),
    ("stable-image-ultra", IMAGE): (1024, 1024),
    **{(engine_id, TEXT): (1024, 1024) for engine_id in SD35},
    **{(engine_id, IMAGE): (1184, 888) for engine_id in SD35},
    **{(SDXL, mode): (1024, 1024) for mode in (TEXT, IMAGE, INPAINT)},
    ("stable-image-inpaint", INPAINT): (128, 96),
    ("stable-image-erase", Mode.ERASE): (128, 96),
    ("stable-image-outpaint", Mode.OUTPAINTING): (64 + 128, 8 + 96),
    ("stable-image-upscale-fast", Mode.UPSCALING): (512, 384),
}
"""What the tiny model can, and the size that each service answers with where `wanted` asks for it with a picture of 128 × 96."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio")).start()
    running.wait_for(r"^local.*worker_ready")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(studio: RunningStudio) -> StabilityBackend:
    made = studio.manage("shell", "-v", "0", "-c", MAKE_KEY)
    assert made.returncode == 0, made.stderr
    return StabilityBackend("stability", {"API_KEYS": [made.stdout.strip()], "API_HOST": studio.url})


@pytest.mark.parametrize(("engine_id", "mode"), EVERYTHING, ids=[f"{engine_id}-{mode}" for engine_id, mode in EVERYTHING])
def test_each_mode_of_each_engine(engine_id: str, mode: Mode, client: StabilityBackend, studio: RunningStudio) -> None:
    before = jobs(studio)
    if (engine_id, mode) not in MADE:
        with pytest.raises(BackendError, match=r"^No engine of this studio [a-z ]+3?D?[a-z ]*\. Ask its operator for one\.$"):
            generate(client, wanted(engine_id, mode))
        assert jobs(studio) == before
        return
    [made] = generate(client, wanted(engine_id, mode))
    picture = Image.open(io.BytesIO(made.data))
    picture.load()
    assert (made.mime, picture.size) == ("image/png", MADE[engine_id, mode])
    enlarges = mode is Mode.UPSCALING
    assert enlarges or made.seed == 7
    done = ("storybook-upscale", 500) if enlarges else ("storybook", 1000)
    assert jobs(studio) == [*before, ("succeeded", *done, "Robot")]


def test_the_books_agree(client: StabilityBackend, studio: RunningStudio) -> None:
    """The client reads the balance that all of the work above has left."""
    assert client.balance() == 1_000_000 - sum(amount for _, _, amount, _ in jobs(studio))  # type: ignore[misc]
    studio.assert_the_ledger_agrees()


def jobs(studio: RunningStudio) -> list[tuple[object, ...]]:
    """Status, engine, what was taken, and with which key, of all jobs in their order."""
    return studio.rows(
        "SELECT job.status, job.engine, hold.captured, key.name FROM generation_job job JOIN billing_hold hold ON hold.id = job.hold_id"
        " LEFT JOIN accounts_apikey key ON key.id = job.api_key_id ORDER BY job.id"
    )
