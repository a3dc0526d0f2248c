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
DONE_HERE = {
    **{(engine, Mode.TEXT_TO_IMAGE): (1024, 1024) for engine in SD35},
    **{(engine, Mode.IMAGE_TO_IMAGE): (128, 96) for engine in SD35},
}
"""What Storybook does, and the size of what comes of `wanted`'s pictures of 128 × 96."""


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
    before = client.balance()
    jobs = studio.rows("SELECT count(*) FROM generation_job")
    try:
        made = generate(client, wanted(engine_id, mode))
    except BackendError as error:
        print("REFUSED", engine_id, mode, type(error).__name__, error)
        assert studio.rows("SELECT count(*) FROM generation_job") == jobs
        return
    for one in made:
        print(
            "MADE",
            engine_id,
            mode,
            one.mime,
            Image.open(io.BytesIO(one.data)).size if one.mime.startswith("image") else len(one.data),
            before,
        )
