"""Models and sounds in a running studio, as its workers would have left them: called in a process of that studio by `seeding.add_media`."""

from __future__ import annotations

import json

from accounts.models import Team, User
from studio.backends.base import Mode
from studio.generation import files
from studio.generation.images import CleanImage
from tests.factories import draw, make_artifact, make_artifacts
from tests.media import GLB, MP3, WAV

STABILITY = {"info": {"provider": "Stability"}, "queue": "elsewhere", "width": None, "height": None}
"""`elsewhere`: no worker of the studio takes the job before it is settled."""


def make(email: str) -> None:
    """Print as JSON what was made: a name, the id of its artifact, and that of its job."""
    user = User.objects.get(email=email)
    team = Team.objects.get(memberships__user=user, is_personal=True)
    audio = {**STABILITY, "mode": Mode.TEXT_TO_AUDIO, "engine": "stable-audio-2.5", "engine_label": "Stable Audio 2.5"}
    data = draw(640, 480, 5)
    given = files.save_input(CleanImage(data, 640, 480), team=team, user=user)
    made = {
        "model": make_artifact(
            team,
            user,
            **STABILITY,
            mime=GLB,
            mode=Mode.IMAGE_TO_3D,
            engine="stable-fast-3d",
            engine_label="Stable Fast 3D",
            prompt="",
            image=given,
        ),
        "sound": make_artifact(
            team, user, **audio, mime=MP3, prompt="a slow melody on a plucked string, rain on a tin roof", extra={"duration": 47}
        ),
        "sounds": make_artifacts(team, user, 2, **audio, mime=WAV, prompt="a door bell, twice", extra={"duration": 4})[0],
    }
    print(json.dumps({name: [str(one.pk), str(one.job_id)] for name, one in made.items()}))
