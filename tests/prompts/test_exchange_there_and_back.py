"""Templates written to files of every kind and read again: what the kind can say comes back as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompts import exchange, tidy
from studio.prompts.content import SECTIONS, TYPES, Content, Field, Negative, Section
from studio.prompts.exchange import Format, Older, Picture, Template
from tests.prompts.test_exchange import one, styles

OTHERS = [Format.A1111, Format.FOOOCUS, Format.INVOKEAI]

WORDS = st.text("ab ,.\"\n;:()[]{}|\\1=-@'é_", max_size=40).map(lambda text: " ".join(text.split(" ")).strip())
NAMES = st.text("abc =-'\",é", min_size=1, max_size=12).map(tidy.line).filter(bool)


def fields() -> st.SearchStrategy[Field]:
    return st.builds(
        Field,
        name=st.sampled_from(["one", "two", "three"]),
        label=st.sampled_from(["", "Label"]),
        type=st.sampled_from(list(TYPES)),
        help=st.just("Help."),
        required=st.booleans(),
        choices=st.just(("a", "b, c")),
        minimum=st.sampled_from([None, 1, 0.5]),
        step=st.sampled_from([None, 0.5]),
        yes=st.just("yes"),
    )


@st.composite
def templates(draw: st.DrawFn) -> Template:
    sections = draw(st.lists(st.sampled_from(list(SECTIONS)), min_size=1, max_size=3, unique=True))
    texts = [(draw(WORDS) + draw(st.sampled_from(["", "{one}", ", {two} and {one}"]))).strip() or "x" for _ in sections]
    made = Content(
        tuple(Section(name, text, draw(st.booleans())) for name, text in zip(sections, texts, strict=True)),
        Negative(draw(WORDS), draw(st.booleans())),
        tuple(draw(st.lists(fields(), max_size=3, unique_by=lambda field: field.name))),
        draw(st.sampled_from(["", "storybook"])),
        parameters=draw(st.dictionaries(st.sampled_from(["size", "steps"]), st.integers() | st.text("ab", max_size=3) | st.booleans())),
        changeable=draw(st.sampled_from([(), ("engine", "seed")])),
    )
    cover = draw(st.none() | st.binary(max_size=9).map(lambda data: Picture("image/jpeg", b"\xff\xd8\xff" + data)))
    others = st.lists(
        st.builds(Older, st.integers(1, 9), st.just(made), NAMES, st.booleans()), max_size=3, unique_by=lambda one: one.number
    )
    older, newer = (tuple(sorted(draw(others), key=lambda one: one.number)) for _ in range(2))
    return Template(
        draw(NAMES), made, draw(WORDS), ("one", "two")[: draw(st.integers(0, 2))], cover, older, draw(NAMES), newer, draw(st.booleans())
    )


@given(st.lists(templates(), min_size=1, max_size=3, unique_by=lambda template: template.name.casefold()))
def test_our_own_file_comes_back_as_it_was(given: list[Template]) -> None:
    given = [template for template in given if not template.content.problems()]
    if given:
        assert [entry.template for entry in exchange.read(exchange.write(Format.ATELIER, given))] == given


@pytest.mark.parametrize("kind", OTHERS)
@given(data=st.data())
def test_what_another_program_can_say_comes_back_as_it_was(kind: Format, data: st.DataObject) -> None:
    """What was read once is written and read again without a change."""
    prompt, negative, name = data.draw(WORDS), data.draw(WORDS), data.draw(NAMES)
    prompt += data.draw(st.sampled_from(["", "{prompt}", " {prompt}, x"]))
    key = "positive_prompt" if kind is Format.INVOKEAI else "prompt"
    raw = (
        styles((name, prompt, negative))
        if kind is Format.A1111
        else json.dumps([{"name": name, key: prompt, "negative_prompt": negative}]).encode()
    )
    first = one(raw)
    if first.template is None:
        assert not prompt.strip()
        return
    written = exchange.write(kind, [first.template])
    second = one(written)

    assert second.template is not None
    assert second.name == first.name
    assert exchange.write(kind, [second.template]) == written


@pytest.mark.parametrize("kind", OTHERS)
@given(template=templates())
def test_what_is_written_for_another_program_is_written_again_the_same(kind: Format, template: Template) -> None:
    written = exchange.write(kind, [template])
    entry = one(written)
    if entry.template:
        assert entry.name == template.name
        assert one(exchange.write(kind, [entry.template])).template == entry.template
