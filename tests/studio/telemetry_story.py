"""A process in which a page and an engine fail while they hold what nobody else may read. Run by test_telemetry.py, with its own database.

`planted` are the texts that must not leave; they are put wherever a library for errors or traces would look.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "studio.settings"

PROMPT = "a red sailboat leaves the harbour of Valldemossa"
KEY = "sk-planted0123456789abcdef"
COOKIE = "planted-cookie-4711"
EMAIL = "planted.person@example.org"
PLANTED = (PROMPT, "Valldemossa", KEY, "planted0123456789", COOKIE, EMAIL, "planted.person")


def page_fails() -> None:
    from django.conf import settings
    from django.test import Client
    from django.urls import path

    from studio import urls

    urls.urlpatterns.append(path("boom/<str:token>/", boom, name="boom"))
    settings.ALLOWED_HOSTS = ["*"]
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = COOKIE
    headers = {"Authorization": f"Bearer {KEY}", "X-Said": PROMPT, "User-Agent": EMAIL}
    assert client.post(f"/boom/{KEY}/?q={PROMPT}", {"prompt": PROMPT}, headers=headers).status_code == 500


def jobs_run() -> None:
    """One is made, one makes its engine fail."""
    from accounts.models import Team
    from accounts.services import create_user_with_team
    from studio.backends.base import GenerationRequest, Mode
    from studio.backends.null import NullBackend
    from studio.generation import services
    from studio.generation.worker.progress import ProgressPublisher
    from studio.generation.worker.runner import Runner
    from studio.generation.worker.running import RunningJobs

    user = create_user_with_team(email=EMAIL, name="Planted", password=f"{KEY}-as-a-password", email_verified=True)
    make = NullBackend.generate

    def generate(self: Any, request: GenerationRequest, **options: Any) -> Any:
        if request.seed == 13:
            raise RuntimeError(f"no memory for {request.prompt} with {KEY}")
        return make(self, request, **options)

    NullBackend.generate = generate  # type: ignore[method-assign]
    running = RunningJobs()
    runner = Runner(["null"], "worker-1", running, ProgressPublisher(running), batch=False)
    for seed in (7, 13):
        request = GenerationRequest(
            engine="null", mode=Mode.TEXT_TO_IMAGE, prompt=PROMPT, seed=seed, width=64, height=64, num_inference_steps=2, guidance_scale=1.0
        )
        job = services.submit(user=user, team=Team.objects.get(), request=request, idempotency_key=f"key-{seed}")
        assert runner.work_once(lambda: None)
        job.refresh_from_db()
        print("job", seed, job.pk, job.status, job.error_code)


def boom(request: Any, token: str) -> None:
    held, cookies = request.POST["prompt"], request.COOKIES
    raise ValueError(f"cannot read {held} with {token} of {cookies} for {EMAIL}")


if __name__ == "__main__":
    django.setup()
    from studio import telemetry

    jobs_run()  # makes the first account: before it every page leads there
    page_fails()
    telemetry.flush(20)
    libraries = sorted({name.partition(".")[0] for name in sys.modules} & {"sentry_sdk", "opentelemetry"})
    print("loaded", *libraries)
