"""What goes in and out of the own API, as its document describes it."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from studio.api.v1.asked import Asked
from studio.api.v1.paging import NEXT, Paged

EXAMPLE_ID = "01997c3e-8a51-7e2f-9d1c-2a9f6f0f5b11"


Status = Literal["approval", "queued", "running", "succeeded", "failed", "canceled"]


class Strict(Asked):
    """A body in which a name that means nothing is refused: a typing error must not become a picture that nobody meant."""

    model_config = ConfigDict(extra="forbid")


class Ask(Strict):
    """One request to an engine. Which settings, sizes, modes and inputs an engine has, `GET /engines/{id}` says."""

    engine: str = Field(max_length=80, examples=["storybook"])
    mode: str = Field("", max_length=40, description="Empty: the first one of the engine.", examples=["text-to-image"])
    prompt: str = Field("", max_length=20_000, examples=["a red lighthouse at night, picture book"])
    negative_prompt: str = Field("", max_length=20_000, description="What to leave out, where the engine can be told.")
    width: int | None = Field(None, description="Pixels; both or neither.", examples=[512])
    height: int | None = Field(None, examples=[512])
    num_images: int = Field(1, examples=[1])
    seed: int | None = Field(None, description="Left out: a random one, which the results tell. The same seed gives the same result.")
    settings: dict[str, bool | int | float | str | None] = Field(
        {}, description="The engine's own settings by their names; what is left out is as the engine has it.", examples=[{}]
    )
    inputs: dict[str, UUID] = Field(
        {}, description="Ids of uploaded files (`POST /inputs`), by the names of the engine's inputs.", examples=[{}]
    )
    source: UUID | None = Field(
        None,
        description="The id of something in the library that the work starts from, as its first input. Takes `library:read`.",
    )
    alternatives: bool = Field(
        False,
        description="Read `{red|blue}` and `__list__` in prompts as the studio's pages do; otherwise a prompt goes out as it is written.",
    )


class JobIn(Ask):
    preview: bool = Field(
        False,
        description="Make it in the cheapest way that shows what it will be; refused (`no_preview`) where none costs less.",
    )
    anew: bool = Field(
        True,
        description="False: where the team has the very same of a paid engine already, or has it under way, that job is the answer (200), "
        "and nothing is charged.",
    )


class Credits(Schema):
    """Decimal numbers of credits, as text."""

    quoted: str = Field(examples=["3"])
    charged: str | None = Field(None, description="Null until it is over.", examples=["3"])


class JobError(Schema):
    code: str = Field(examples=["content_filtered"])
    message: str = Field(examples=["The content filter refused this. Change the prompt and try again."])
    fields: dict[str, str] = Field({}, description="What the engine said of single settings.")


class Approval(Schema):
    reason: str = Field(description="Why a rule of the team asks for approval.")
    verdict: str | None = Field(None, description="`approved`, `declined`, `lapsed`; null while nobody has decided.")
    decision: str = ""


class Progress(Schema):
    step: int
    total: int = Field(description="0 while it is not known.")


class Result(Schema):
    index: int
    id: UUID = Field(description="Its id in the library.", examples=[EXAMPLE_ID])
    mime: str = Field(examples=["image/png"])
    bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    seed: int | None = None
    path: str = Field(examples=[f"/api/v1/jobs/{EXAMPLE_ID}/results/0"])


class KeyName(Schema):
    id: str = Field(description="The public part of the key.")
    name: str


class JobOut(Schema):
    """`status`: `approval` (waits for somebody's approval), `queued`, `running`, then one of `succeeded`, `failed`, `canceled`."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    object: Literal["job"] = "job"
    status: str = Field(examples=["succeeded"])
    engine: str
    mode: str
    prompt: str
    created_at: str = Field(examples=["2026-11-27T13:35:29.123Z"])
    started_at: str | None = None
    finished_at: str | None = None
    progress: Progress
    credits: Credits
    error: JobError | None = None
    approval: Approval | None = None
    filtered: int = Field(0, description="Results that a content filter kept back.")
    results: list[Result] = []
    is_preview: bool = False
    batch: UUID | None = None
    batch_place: int | None = None
    api_key: KeyName | None = None


class Jobs(Schema):
    items: list[JobOut]
    next: str | None = Field(None, description=NEXT)


class JobsAsked(Paged):
    status: list[Status] = Field([], description="Only those with one of these statuses.")
    engine: str = Field("", max_length=80, description="Only those of this engine.")


class QuoteIn(Ask):
    preview: bool = False


class QuoteLine(Schema):
    label: str
    quantity: int
    unit: str
    amount: str


class QuoteOut(Schema):
    """What a request would cost now. Nothing is held, and nothing promised: the price of a job is the one when it is submitted."""

    engine: str = Field(description="Another one than was asked for where it is a preview.")
    credits: str = Field(examples=["3"])
    lines: list[QuoteLine]
    price_list: str
    available: str = Field(description="What is in the wallet and not set aside.")
    affordable: bool = Field(description="Whether wallet and budgets have room for it now.")
    refusal: str | None = Field(None, description="Why they have not.")
    approval: str | None = Field(None, description="Why somebody would have to approve it first; null where nobody has to.")


class BatchIn(Strict):
    """Up to 500 requests under one id. `items` are read one by one: what is wrong with one is said of that one, and the others are made."""

    items: list[Any] = Field(min_length=1, max_length=500, description="Each as the body of `POST /jobs`, without `preview` and `anew`.")
    title: str = Field("", max_length=200)


class ItemError(Schema):
    code: str
    detail: str
    errors: dict[str, str] = {}


class BatchItem(Schema):
    index: int = Field(description="Its place in the request, from 0.")
    job: JobOut | None = None
    error: ItemError | None = Field(None, description="Why no job was made of it.")


class BatchItems(Schema):
    items: list[BatchItem]
    next: str | None = None


class BatchOut(Schema):
    """`status`: `open`, `paused`, `finished` (each of its jobs is over), `canceled`."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    object: Literal["batch"] = "batch"
    status: str = Field(examples=["open"])
    kind: str
    title: str
    size: int = Field(description="How many jobs it has.")
    jobs: dict[str, int] = Field(description="How many of them have which status.")
    refused: int = Field(0, description="Items of the request of which no job was made; `/items` says why.")
    created_at: str
    paused_at: str | None = None
    canceled_at: str | None = None
    credits: Credits
    api_key: KeyName | None = None
    path: str


class Batches(Schema):
    items: list[BatchOut]
    next: str | None = None


class BatchMade(BatchOut):
    errors: list[BatchItem] = Field([], description="The items of which no job was made.")


class InputOut(Schema):
    """A file that work can start from."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    object: Literal["input"] = "input"
    mime: str = Field(examples=["image/png"])
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


class ModeOut(Schema):
    name: str = Field(examples=["text-to-image"])
    label: str
    makes: str = Field(description="`image`, `model` or `audio`.")
    prompt: str = Field(description="`required`, `optional` or `none`.")
    settings: list[str] = Field(description="Those of the engine's settings that it has in this mode.")
    inputs: list[InputRules]


class InputRules(Schema):
    name: str
    label: str
    kind: str = Field(description="`image`, `mask` or `audio`.")
    required: bool
    rules: dict[str, Any] = Field({}, description="What a file has to be like: sizes in pixels, lengths in seconds.")


class Setting(Schema):
    name: str
    label: str
    kind: str
    default: bool | int | float | str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: list[str] = []
    max_length: int | None = None
    required: bool = False
    help: str = ""


class Sizes(Schema):
    """With `choices` only those; else every size on the grid, in pixels."""

    default: list[int]
    choices: list[list[int]] = []
    multiple_of: int
    minimum: int
    maximum: int
    max_pixels: int


class Price(Schema):
    """In credits. `usual` is that of one result when nobody changes a setting."""

    per_result: str
    included_steps: int = 0
    per_extra_step: str = "0"
    usual: str
    price_list: str


class EngineOut(Schema):
    id: str = Field(examples=["storybook"])
    object: Literal["engine"] = "engine"
    label: str
    description: str = ""
    local: bool = Field(description="Whether it runs on the studio's own machine.")
    state: str = Field(description="`ready`, `slow`, `starting`, `cooling-down`, `no-key`, `no-credits`, `not-installed`, `broken`.")
    state_detail: str = ""
    usable: bool = Field(description="Whether this key may use it, by its own list and the plan of its team.")
    refusal: str | None = Field(None, description="Why it may not.")
    modes: list[ModeOut]
    settings: list[Setting]
    sizes: Sizes | None = Field(None, description="Null: the size follows from the input or the aspect ratio.")
    max_images: int
    max_seed: int | None = Field(None, description="Null: it takes no seed.")
    max_prompt_length: int
    negative_prompt: bool
    price: Price


class Engines(Schema):
    items: list[EngineOut]


ModeOut.model_rebuild()
