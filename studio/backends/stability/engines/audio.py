"""Stable Audio 2, 2.5 and 3 (`stability/API.md` 2.11)."""

from __future__ import annotations

from studio.backends.base import MediaInput, Mode, Parameter, PriceTable
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import PRICE_VERSION, credits, engine, number, output_format, strength, whole

PATH_2 = "/v2beta/audio/stable-audio-2/"
PATH_3 = "/v2beta/audio/stable-audio/"
# "50 Mb" and "100 Mb" in API.md 0, read as the smaller of what that can mean.
LIMIT_2, LIMIT_3 = 50_000_000, 100_000_000
TEXT, FROM_AUDIO, INPAINT = Mode.TEXT_TO_AUDIO, Mode.AUDIO_TO_AUDIO, Mode.AUDIO_INPAINTING
WORDS = {"num_inference_steps": "steps", "guidance_scale": "cfg_scale"}
FORMAT = output_format("mp3", "wav")


def _duration(longest: float) -> Parameter:
    return number("duration", "Seconds", 190, 1, longest, 1, advanced=False, share=1)


def _guidance(default: float, *modes: Mode) -> Parameter:
    help_text = "How closely the sound follows the prompt."
    return number("guidance_scale", "Guidance", default, 1, 25, 0.5, help=help_text, modes=frozenset(modes))


def _source(longest: float) -> MediaInput:
    return MediaInput(
        "audio",
        "Audio",
        kind="audio",
        formats=("audio/mpeg", "audio/wav"),
        min_seconds=6,
        max_seconds=longest,
        modes=frozenset({FROM_AUDIO, INPAINT}),
    )


def _masked(longest: float) -> tuple[Parameter, Parameter]:
    more = {"modes": frozenset({INPAINT}), "advanced": False, "within": True}
    return (
        number("mask_start", "From second", 30, 0, longest, 1, share=0.25, help="Where the part begins that changes.", **more),
        number("mask_end", "To second", longest, 0, longest, 1, share=0.75, help="Where it ends.", **more),
    )


AUDIO_2 = Record(
    engine(
        "stable-audio-2",
        "Stable Audio 2",
        (TEXT, FROM_AUDIO),
        # 17 + 0.06 × steps credits (API.md 3).
        PriceTable(PRICE_VERSION, 17_000, per_extra_step=60, default_steps=50, noun="track"),
        description="Music and sounds up to three minutes.",
        parameters=(
            _duration(190),
            strength(FROM_AUDIO, default=1),
            whole("num_inference_steps", "Steps", 50, 30, 100, help="Each step costs a little."),
            _guidance(7),
            FORMAT,
        ),
        inputs=(_source(190),),
    ),
    {
        mode: Service(f"{PATH_2}{mode.value}", accept="audio/*", fields=(("model", "stable-audio-2"),), names=WORDS, body_limit=LIMIT_2)
        for mode in (TEXT, FROM_AUDIO)
    },
)

AUDIO_25 = Record(
    engine(
        "stable-audio-2.5",
        "Stable Audio 2.5",
        (TEXT, FROM_AUDIO, INPAINT),
        credits(20, noun="track"),
        description="Quicker and better at structure, up to three minutes.",
        parameters=(
            _duration(190),
            *_masked(190),
            strength(FROM_AUDIO, default=1, low=0.01),
            whole("num_inference_steps", "Steps", 8, 4, 8),
            _guidance(1, TEXT, FROM_AUDIO),
            FORMAT,
        ),
        inputs=(_source(190),),
    ),
    {
        **{
            mode: Service(
                f"{PATH_2}{mode.value}", accept="audio/*", fields=(("model", "stable-audio-2.5"),), names=WORDS, body_limit=LIMIT_2
            )
            for mode in (TEXT, FROM_AUDIO)
        },
        INPAINT: Service(f"{PATH_2}inpaint", accept="audio/*", names=WORDS, body_limit=LIMIT_2),
    },
)

_LAST_PART = {TEXT: "text-to-audio", FROM_AUDIO: "audio-to-audio", INPAINT: "inpaint"}

AUDIO_3 = Record(
    engine(
        "stable-audio-3",
        "Stable Audio 3",
        (TEXT, FROM_AUDIO, INPAINT),
        credits(26, noun="track"),
        description="The newest, up to six minutes. Not every account has it yet.",
        parameters=(
            _duration(380),
            *_masked(380),
            strength(FROM_AUDIO, default=1),
            whole("num_inference_steps", "Steps", 8, 4, 8),
            _guidance(1),
            FORMAT,
        ),
        inputs=(_source(380),),
        seconds_per_image=60,
    ),
    {
        mode: Service(
            f"{PATH_3}{last}",
            accept="audio/*",
            fields=(("model", "stable-audio-3"),),
            names=WORDS,
            results="/v2beta/audio/results/",
            results_accept="audio/*",
            body_limit=LIMIT_3,
        )
        for mode, last in _LAST_PART.items()
    },
)

RECORDS = (AUDIO_2, AUDIO_25, AUDIO_3)
