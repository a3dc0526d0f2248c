"""Between a template and the two texts that other programs know as a style, with `{prompt}` where what is typed goes.

A style without `{prompt}` is put after what is typed, in all three programs; so it is here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from studio.prompts import tidy
from studio.prompts.content import MAX_PROMPT, Content, Field, Negative, Section, Value, braced
from studio.prompts.exchange.emphasis import is_editing
from studio.prompts.exchange.records import MAX_NAME, Imported, Template
from studio.prompts.shapes import Problems

PLACEHOLDER = "{prompt}"
_SLOT = "\0"
"""Stands for the placeholder while text is written: nothing that was typed has one."""
_NAMED = re.compile(r"\\.|\{([a-z][a-z0-9_]*)\}", re.DOTALL)
_COMMAS = re.compile(r"[ \t]*,(?:[ \t]*,)*")
"""What fields without a default leave behind."""
_BEFORE = re.compile(r"\{prompt\},[ ,]*(?=\S)")
_ESCAPED = re.compile(r"([\\(){}|:]|_(?=_))")
_LISTS = re.compile(r"__([A-Za-z0-9_/-]+?)__")
_SQUARE = re.compile(r"\[([^\[\]]*)\]")
_ALTERNATIVES = re.compile(r"(?<!\\)\{[^{}]*\|")

Convert = Callable[[str], str]


# --- reading -----------------------------------------------------------------------------------------------------------


def imported(
    number: int, name: object, prompt: object, negative: object, *, convert: Convert, notes: Iterable[str] = (), editing: bool = False
) -> Imported:
    """The entry as a template. `convert` writes the program's weights as Atelier does; `editing`: whether it knows `[from:to:0.5]`."""
    called = tidy.line(name) if isinstance(name, str) else ""
    problems: Problems = {} if called else {"name": "This entry has no name."}
    texts = {"prompt": prompt, "negative_prompt": negative}
    problems |= {key: f"“{key}” has to be a text." for key, value in texts.items() if not isinstance(value, str | None)}
    words, without = (tidy.text(value) if isinstance(value, str) else "" for value in texts.values())
    long = {key: len(text) for key, text in zip(texts, (words, without), strict=True) if len(text) > MAX_PROMPT}
    problems |= {key: f"“{key}” has {length:,} characters; at most {MAX_PROMPT:,} fit. Shorten it." for key, length in long.items()}
    if not problems and not words and not without:
        problems = {"prompt": "This entry is empty: it has neither a prompt nor anything to leave out."}
    if problems:
        return Imported(number, called[:MAX_NAME], problems=problems)
    content = _content(convert(words), convert(without))
    said = [*notes, *_notes(words, without, content, editing=editing)]
    if len(called) > MAX_NAME:
        said.append(f"The name was cut to {MAX_NAME} characters.")
        called = called[: MAX_NAME - 1].rstrip() + "…"
    if problems := content.problems():
        return Imported(number, called, problems=problems)
    return Imported(number, called, Template(called, content), notes=tuple(said))


def _content(words: str, without: str) -> Content:
    taken = {*braced(words), *braced(without)}
    name = next(name for name in ("subject", "main_subject", "what_it_shows", "x_subject") if name not in taken)
    field = Field(name, "Subject", "long_text", help="What the picture shows.", required=True)
    before = _BEFORE.match(words)
    if before and PLACEHOLDER not in words[before.end() :]:
        words = words[before.end() :]
    filled, left_out = (text.replace(PLACEHOLDER, f"{{{name}}}") for text in (words, without))
    if PLACEHOLDER in words or not words:
        sections: tuple[Section, ...] = (Section("prompt", filled or f"{{{name}}}"),)
    else:
        sections = (Section("subject", f"{{{name}}}"), Section("style", filled.lstrip(", ")))
    return Content(sections, Negative(left_out), (field,), changeable=("engine", "mode", "seed"))


def _notes(words: str, without: str, content: Content, *, editing: bool) -> list[str]:
    both = f"{words}\n{without}"
    found = []
    if PLACEHOLDER not in words:
        found.append("The style has no {prompt}, so what is typed comes before it.")
    if (content.composed, content.negative.text) != _untouched(words, without, content):
        found.append("Weights are written out here: (this:1.1) instead of brackets alone.")
    if editing and any(is_editing(square[1]) for square in _SQUARE.finditer(both)):
        found.append("Square brackets that change words half-way ([from:to:0.5], [one|other]) are not known here and stay as words.")
    if re.search(r"<(lora|lyco|hypernet):", both):
        found.append("Tags like <lora:…> do nothing here. Take them out.")
    if lists := dict.fromkeys(_LISTS.findall(both)):
        found.append(f"It takes lines from the word lists {', '.join(f'__{name}__' for name in lists)}.")
    return found + list(content.warnings().values())


def _untouched(words: str, without: str, content: Content) -> tuple[str, str]:
    plain = _content(words, without)
    return plain.composed, plain.negative.text


def twice_named(entries: Sequence[Imported]) -> list[Imported]:
    """The entries, with a note where an earlier one has the same name."""
    names = Counter(entry.name.casefold() for entry in entries if entry.template)
    seen: set[str] = set()
    found = []
    for entry in entries:
        name = entry.name.casefold()
        if entry.template and names[name] > 1 and name in seen:
            entry = replace(entry, notes=(*entry.notes, "The file has another of this name above."))
        seen.add(name)
        found.append(entry)
    return found


# --- writing -----------------------------------------------------------------------------------------------------------


def slot_of(content: Content) -> Field | None:
    """The field that becomes `{prompt}`: the first text that has to be filled in, else the first text, of those that the prompt names."""
    named = braced(content.composed)
    texts = [field for field in content.fields if field.is_text and field.name in named]
    return next((field for field in texts if field.required), texts[0] if texts else None)


def flat(content: Content, convert: Convert) -> tuple[str, str]:
    """Prompt and negative prompt with `{prompt}` in them and the defaults of all other fields. `convert` writes the program's weights."""
    slot = slot_of(content)
    words = {field.name: _ESCAPED.sub(r"\\\1", field.words(value)) for field, value in _defaults(content)}
    if slot:
        words[slot.name] = _SLOT

    def put(found: re.Match[str]) -> str:
        return words.get(found[1], found[0]) if found[1] else found[0]

    texts = []
    for text in (content.composed, content.negative.text):
        filled = _COMMAS.sub(",", _NAMED.sub(put, text)).strip(" ,\n")
        texts.append(convert(filled).replace(PLACEHOLDER, "{ prompt }").replace(_SLOT, PLACEHOLDER))
    return texts[0], texts[1]


def losses(content: Content) -> list[str]:
    """What these programs cannot keep of a template, as sentences."""
    slot = slot_of(content)
    found = []
    if slot and slot.name != "prompt":
        found.append(f"“{slot.title}” becomes {{prompt}}.")
    elif not slot:
        found.append("No text field becomes {prompt}, so what is typed there is put before or after the prompt.")
    named = {*braced(content.composed), *braced(content.negative.text)}
    for field, value in _defaults(content):
        if field.name in named and field is not slot:
            words = field.words(value)
            found.append(
                f"“{field.title}” is written as its default, {words}." if words else f"“{field.title}” is left out: it has no default."
            )
    if _ALTERNATIVES.search(content.composed + content.negative.text) or _LISTS.search(content.composed + content.negative.text):
        found.append("Alternatives {a|b} and lists __name__ stay as written; they work there with an extension like Dynamic Prompts only.")
    if content.engine or content.parameters:
        found.append("Its engine and settings are left out.")
    if any(section.locked for section in content.sections) or content.negative.locked:
        found.append("Locked parts can be changed there.")
    return found


def _defaults(content: Content) -> list[tuple[Field, Value]]:
    values = content.defaults
    return [(field, values[field.name]) for field in content.fields]
