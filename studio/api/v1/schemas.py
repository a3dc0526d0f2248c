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

    engine: str = Field(max_length=80, examples=["storybook"], description="The id of an engine.")
    mode: str = Field("", max_length=40, description="Empty: the first one of the engine.", examples=["text-to-image"])
    prompt: str = Field(
        "", max_length=20_000, examples=["a red lighthouse at night, picture book"], description="What shall be made, in words."
    )
    negative_prompt: str = Field(
        "", max_length=20_000, description="What to leave out, where the engine can be told.", examples=["blurry, text"]
    )
    width: int | None = Field(None, description="Pixels; both or neither.", examples=[512])
    height: int | None = Field(None, examples=[512], description="Pixels; both or neither.")
    num_images: int = Field(1, examples=[1], description="How many results.")
    seed: int | None = Field(
        None, description="Left out: a random one, which the results tell. The same seed gives the same result.", examples=[1234]
    )
    settings: dict[str, bool | int | float | str | None] = Field(
        {}, max_length=100, description="The engine's own settings by their names; what is left out is as the engine has it.", examples=[{}]
    )
    inputs: dict[str, UUID] = Field(
        {}, max_length=20, description="Ids of uploaded files (`POST /inputs`), by the names of the engine's inputs.", examples=[{}]
    )
    source: UUID | None = Field(
        None,
        description="The id of something in the library that the work starts from, as its first input. Takes `library:read`.",
        examples=[None],
    )
    alternatives: bool = Field(
        False,
        description="Read `{red|blue}` and `__list__` in prompts as the studio's pages do; otherwise a prompt goes out as it is written.",
        examples=[False],
    )


class JobIn(Ask):
    preview: bool = Field(
        False,
        description="Make it in the cheapest way that shows what it will be; refused (`no_preview`) where none costs less.",
        examples=[False],
    )
    anew: bool = Field(
        True,
        description="False: where the team has the very same of a paid engine already, or has it under way, that job is the answer (200), "
        "and nothing is charged.",
        examples=[True],
    )


class Credits(Schema):
    """Decimal numbers of credits, as text."""

    quoted: str = Field(examples=["3"], description="What was promised and set aside.")
    charged: str | None = Field(None, description="Null until it is over.", examples=["3"])


class JobError(Schema):
    code: str = Field(examples=["content_filtered"], description="For programs; it never changes.")
    message: str = Field(
        examples=["The content filter refused this. Change the prompt and try again."],
        description="For people: what went wrong, and what to do.",
    )
    fields: dict[str, str] = Field({}, description="What the engine said of single settings.", examples=[{}])


class Approval(Schema):
    reason: str = Field(description="Why a rule of the team asks for approval.", examples=["It costs more than 50 credits."])
    verdict: str | None = Field(None, description="`approved`, `declined`, `lapsed`; null while nobody has decided.", examples=[None])
    decision: str = Field("", description="Why it was declined, in words.", examples=[""])


class Progress(Schema):
    step: int = Field(description="How far it is.", examples=[12])
    total: int = Field(description="0 while it is not known.", examples=[20])


class Result(Schema):
    index: int = Field(description="Its place among the results, from 0.", examples=[0])
    id: UUID = Field(description="Its id in the library.", examples=[EXAMPLE_ID])
    mime: str = Field(examples=["image/png"], description="The media type.")
    bytes: int = Field(description="Size of the file.", examples=[1482211])
    width: int | None = Field(None, description="Pixels, of a picture.", examples=[1024])
    height: int | None = Field(None, description="Pixels, of a picture.", examples=[1024])
    seconds: float | None = Field(None, description="How long it is, of a sound.", examples=[None])
    seed: int | None = Field(None, description="The seed that gives the same again.", examples=[1234])
    path: str = Field(examples=[f"/api/v1/jobs/{EXAMPLE_ID}/results/0"], description="Where it is fetched, at the studio's address.")


class KeyName(Schema):
    id: str = Field(description="The public part of the key.", examples=["k3Zp9QaW"])
    name: str = Field(description="What its person called it.", examples=["Shop import"])


class JobOut(Schema):
    """`status`: `approval` (waits for somebody's approval), `queued`, `running`, then one of `succeeded`, `failed`, `canceled`."""

    id: UUID = Field(examples=[EXAMPLE_ID], description="Stays the same for good. Ids grow with time.")
    object: Literal["job"] = Field("job", description="What kind of object this is.", examples=["job"])
    status: str = Field(examples=["succeeded"], description="How it stands.")
    engine: str = Field(description="The id of the engine.", examples=["storybook"])
    mode: str = Field(description="What is done.", examples=["text-to-image"])
    prompt: str = Field(description="The words as the engine gets them.", examples=["a red lighthouse at night, picture book"])
    created_at: str = Field(examples=["2026-11-27T13:35:29.123Z"], description="When it was submitted.")
    started_at: str | None = Field(None, description="When a worker began it; null before.", examples=["2026-11-27T13:35:30.001Z"])
    finished_at: str | None = Field(None, description="When it was over; null before.", examples=["2026-11-27T13:35:42.456Z"])
    progress: Progress = Field(description="How far it is while it runs.")
    credits: Credits = Field(description="What it costs.")
    error: JobError | None = Field(None, description="Why it failed, or is tried again; else null.")
    approval: Approval | None = Field(None, description="Where a rule of the team asks for approval; else null.")
    filtered: int = Field(0, description="Results that a content filter kept back.", examples=[0])
    results: list[Result] = Field([], description="What came of it and does not lie in the trash.")
    is_preview: bool = Field(False, description="Whether it is the cheap way to see something first.", examples=[False])
    batch: UUID | None = Field(None, description="The batch that it belongs to; null for none.", examples=[None])
    batch_place: int | None = Field(None, description="Its place in that batch, from 0.", examples=[None])
    api_key: KeyName | None = Field(None, description="The key that it was asked for with; null for what people did on a page.")


class Jobs(Schema):
    items: list[JobOut] = Field(description="The newest first.")
    next: str | None = Field(None, description=NEXT, examples=[None])


class JobsAsked(Paged):
    status: list[Status] = Field([], description="Only those with one of these statuses.", examples=[["succeeded"]])
    engine: str = Field("", max_length=80, description="Only those of this engine.", examples=["storybook"])


class QuoteIn(Ask):
    preview: bool = Field(False, description="The price of the cheapest way to see it first.", examples=[False])


class QuoteLine(Schema):
    label: str = Field(description="What is counted.", examples=["picture"])
    quantity: int = Field(description="How many.", examples=[1])
    unit: str = Field(description="What one costs, in credits.", examples=["3"])
    amount: str = Field(description="What all cost, in credits.", examples=["3"])


class QuoteOut(Schema):
    """What a request would cost now. Nothing is held, and nothing promised: the price of a job is the one when it is submitted."""

    engine: str = Field(description="Another one than was asked for where it is a preview.", examples=["storybook"])
    credits: str = Field(examples=["3"], description="All of it.")
    lines: list[QuoteLine] = Field(description="How the price comes about.")
    price_list: str = Field(description="The version of the price list.", examples=["2026-11"])
    available: str = Field(description="What is in the wallet and not set aside.", examples=["184.5"])
    affordable: bool = Field(description="Whether wallet and budgets have room for it now.", examples=[True])
    refusal: str | None = Field(None, description="Why they have not.", examples=[None])
    approval: str | None = Field(
        None, description="Why somebody would have to approve it first; null where nobody has to.", examples=[None]
    )


class BatchIn(Strict):
    """Up to 500 requests under one id. `items` are read one by one: what is wrong with one is said of that one, and the others are made."""

    items: list[Any] = Field(
        min_length=1,
        max_length=500,
        description="Each as the body of `POST /jobs`, without `preview` and `anew`.",
        examples=[[{"engine": "storybook", "prompt": "a red lighthouse"}, {"engine": "storybook", "prompt": "a blue one"}]],
    )
    title: str = Field("", max_length=200, description="What people see it called.", examples=["Lighthouses"])


class ItemError(Schema):
    code: str = Field(description="For programs; it never changes.", examples=["fields_refused"])
    detail: str = Field(description="For people.", examples=["This studio has no engine “nope”."])
    errors: dict[str, str] = Field(
        {}, description="A sentence for each setting that is wrong, by name.", examples=[{"engine": "This studio has no engine “nope”."}]
    )


class BatchItem(Schema):
    index: int = Field(description="Its place in the request, from 0.", examples=[0])
    job: JobOut | None = Field(None, description="The job that was made of it; null where none was.")
    error: ItemError | None = Field(None, description="Why no job was made of it.")


class BatchItems(Schema):
    items: list[BatchItem] = Field(description="In the order of the request.")
    next: str | None = Field(None, description="Give it as `cursor` for what comes after; null at the end.", examples=[None])


class BatchOut(Schema):
    """`status`: `open`, `paused`, `finished` (each of its jobs is over), `canceled`."""

    id: UUID = Field(examples=[EXAMPLE_ID], description="Stays the same for good.")
    object: Literal["batch"] = Field("batch", description="What kind of object this is.", examples=["batch"])
    status: str = Field(examples=["open"], description="How it stands.")
    kind: str = Field(
        description="How it came about: `program` for those made here, other words for those of the pages.", examples=["program"]
    )
    title: str = Field(description="What people see it called.", examples=["Lighthouses"])
    size: int = Field(description="How many jobs it has.", examples=[2])
    jobs: dict[str, int] = Field(description="How many of them have which status.", examples=[{"queued": 1, "succeeded": 1}])
    refused: int = Field(0, description="Items of the request of which no job was made; `/items` says why.", examples=[0])
    created_at: str = Field(description="When it was submitted.", examples=["2026-11-27T13:35:29.123Z"])
    paused_at: str | None = Field(None, description="Since when it is paused; null while it is not.", examples=[None])
    canceled_at: str | None = Field(None, description="When it was stopped; null when it was not.", examples=[None])
    credits: Credits = Field(description="What all of it costs.")
    api_key: KeyName | None = Field(None, description="The key that it was asked for with; null for what people did on a page.")
    path: str = Field(description="Where it is, at the studio's address.", examples=[f"/api/v1/batches/{EXAMPLE_ID}"])


class Batches(Schema):
    items: list[BatchOut] = Field(description="The newest first.")
    next: str | None = Field(None, description="Give it as `cursor` for what comes after; null at the end.", examples=[None])


class BatchMade(BatchOut):
    errors: list[BatchItem] = Field([], description="The items of which no job was made.")


class InputOut(Schema):
    """A file that work can start from."""

    id: UUID = Field(examples=[EXAMPLE_ID], description="What `inputs` of a job take.")
    object: Literal["input"] = Field("input", description="What kind of object this is.", examples=["input"])
    mime: str = Field(examples=["image/png"], description="The media type as it is kept.")
    width: int | None = Field(None, description="Pixels, of a picture.", examples=[1024])
    height: int | None = Field(None, description="Pixels, of a picture.", examples=[1024])
    seconds: float | None = Field(None, description="How long it is, of a sound.", examples=[None])


class ModeOut(Schema):
    name: str = Field(examples=["text-to-image"], description="What `mode` of a job takes.")
    label: str = Field(description="What people call it.", examples=["Text to image"])
    makes: str = Field(description="`image`, `model` or `audio`.", examples=["image"])
    prompt: str = Field(description="`required`, `optional` or `none`.", examples=["required"])
    settings: list[str] = Field(
        description="Those of the engine's settings that it has in this mode.", examples=[["num_inference_steps", "guidance_scale"]]
    )
    inputs: list[InputRules] = Field(description="The files that it starts from.")


class InputRules(Schema):
    name: str = Field(description="The name in `inputs` of a job.", examples=["image"])
    label: str = Field(description="What people call it.", examples=["Picture"])
    kind: str = Field(description="`image`, `mask` or `audio`.", examples=["image"])
    required: bool = Field(description="Whether it has to be there.", examples=[True])
    rules: dict[str, Any] = Field(
        {}, description="What a file has to be like: sizes in pixels, lengths in seconds.", examples=[{"min_side": 64}]
    )


class Setting(Schema):
    name: str = Field(description="The name in `settings` of a job.", examples=["num_inference_steps"])
    label: str = Field(description="What people call it.", examples=["Steps"])
    kind: str = Field(description="`integer`, `float`, `boolean`, `text`, `choice` and others; more may come.", examples=["integer"])
    default: bool | int | float | str | None = Field(None, description="What it is when nothing is said.", examples=[20])
    minimum: float | None = Field(None, description="Of a number.", examples=[1])
    maximum: float | None = Field(None, description="Of a number.", examples=[50])
    step: float | None = Field(None, description="Of a number: it goes in steps of this.", examples=[1])
    choices: list[str] = Field([], description="What there is to choose from; empty where there is no list.", examples=[[]])
    max_length: int | None = Field(None, description="Characters of a text.", examples=[None])
    required: bool = Field(False, description="Whether it has to be there.", examples=[False])
    help: str = Field("", description="What it does.", examples=["More steps take longer and look finer."])


class Sizes(Schema):
    """With `choices` only those; else every size on the grid, in pixels."""

    default: list[int] = Field(description="Width and height when nothing is said.", examples=[[512, 512]])
    choices: list[list[int]] = Field(
        [],
        description="The sizes there are, each width and height; empty where any on the grid will do.",
        examples=[[[512, 512], [512, 768]]],
    )
    multiple_of: int = Field(description="Each side is a multiple of this.", examples=[64])
    minimum: int = Field(description="Of each side.", examples=[256])
    maximum: int = Field(description="Of each side.", examples=[1024])
    max_pixels: int = Field(description="Width times height, at most.", examples=[1048576])


class Price(Schema):
    """In credits. `usual` is that of one result when nobody changes a setting."""

    per_result: str = Field(description="Of one result.", examples=["3"])
    included_steps: int = Field(0, description="Steps that this price holds.", examples=[0])
    per_extra_step: str = Field("0", description="Of each step more.", examples=["0"])
    usual: str = Field(description="Of one result as it is usually made.", examples=["3"])
    price_list: str = Field(description="The version of the price list.", examples=["2026-11"])


class EngineOut(Schema):
    id: str = Field(examples=["storybook"], description="What `engine` of a job takes.")
    object: Literal["engine"] = Field("engine", description="What kind of object this is.", examples=["engine"])
    label: str = Field(description="What people call it.", examples=["Storybook (local)"])
    description: str = Field("", description="What it is good for.", examples=["Picture-book scenes, made on this machine."])
    local: bool = Field(description="Whether it runs on the studio's own machine.", examples=[True])
    state: str = Field(
        description="`ready`, `slow`, `starting`, `cooling-down`, `no-key`, `no-credits`, `not-installed`, `broken`, `paused`.",
        examples=["ready"],
    )
    state_detail: str = Field("", description="What is the matter with it, in words.", examples=[""])
    usable: bool = Field(description="Whether this key may use it, by its own list and the plan of its team.", examples=[True])
    refusal: str | None = Field(None, description="Why it may not.", examples=[None])
    modes: list[ModeOut] = Field(description="What it does.")
    settings: list[Setting] = Field(description="All settings that it has in some mode.")
    sizes: Sizes | None = Field(None, description="Null: the size follows from the input or the aspect ratio.")
    max_images: int = Field(description="Results that one job may have.", examples=[4])
    max_seed: int | None = Field(None, description="Null: it takes no seed.", examples=[4294967295])
    max_prompt_length: int = Field(description="Characters.", examples=[2000])
    negative_prompt: bool = Field(description="Whether it can be told what to leave out.", examples=[True])
    price: Price = Field(description="What it costs now.")


class Engines(Schema):
    items: list[EngineOut] = Field(description="All that the studio has, in the order of its pages.")


ModeOut.model_rebuild()
