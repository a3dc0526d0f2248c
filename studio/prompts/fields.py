"""A typed field of a template: what it takes, what it puts into the prompt, and whether it makes sense itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, get_args

from studio.prompts import colours, tidy
from studio.prompts.shapes import Kind, Number, Problems, Reader

Value = str | int | float | bool | tuple[str, ...] | None
"""What a person filled in, as JSON keeps it. None, an empty text and an empty tuple are nothing."""

TYPES: dict[Kind, str] = {
    "text": "Text",
    "long_text": "Long text",
    "choice": "Choice",
    "multi_choice": "Several choices",
    "number": "Number",
    "colour": "Colour",
    "yes_no": "Yes or no",
}
RESERVED = frozenset(
    ("prompt", "negative_prompt", "negative", "engine", "mode", "seed", "num_images", "size", "width", "height")
) | frozenset(("image", "mask_image", "source", "idempotency_key", "template", "row"))
"""Names that mean a setting of the page, or a column of a table."""
MAX_NAME, MAX_LABEL, MAX_HELP = 40, 80, 300
MAX_CHOICES, MAX_CHOICE = 100, 200
MAX_TEXT, MAX_LONG_TEXT = 500, 4000
MAX_WORDS = 200
"""Characters that a yes or a no puts into the text."""
MAX_NUMBER = 10**12

NAME = re.compile(r"[a-z][a-z0-9_]*")
_COLOUR = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
_YES = frozenset(("yes", "y", "true", "1", "on", "x"))
_NO = frozenset(("no", "n", "false", "0", "off"))


@dataclass(frozen=True, slots=True)
class Field:
    """A field `{name}`. `choices` are for choices alone, `minimum`, `maximum` and `step` for numbers, `max_length` for texts, and `yes`
    and `no` are what the two answers put into the prompt.

    A `default` may be empty where the field is required: then whoever uses it has to fill it in.
    """

    name: str
    label: str = ""
    type: Kind = "text"
    help: str = ""
    required: bool = False
    default: Value = None
    choices: tuple[str, ...] = ()
    minimum: Number | None = None
    maximum: Number | None = None
    step: Number | None = None
    max_length: int | None = None
    yes: str = ""
    no: str = ""

    # --- as JSON ---------------------------------------------------------------------------------------------------
    @classmethod
    def read(cls, data: object, reader: Reader, place: str) -> Field:
        """Of what `to_json` makes. What has another shape is told to the reader, by place, and left out."""
        given = reader.record(data, place, cls.__dataclass_fields__)
        return cls(
            name=reader.line(given, "name", place),
            label=reader.line(given, "label", place),
            type=reader.kind(given, place, get_args(Kind)),
            help=reader.text(given, "help", place),
            required=reader.flag(given, "required", place),
            default=_default(given.get("default"), reader, f"{place}.default"),
            choices=reader.lines(given, "choices", place, most=MAX_CHOICES),
            minimum=reader.number(given, "minimum", place),
            maximum=reader.number(given, "maximum", place),
            step=reader.number(given, "step", place),
            max_length=reader.whole(given, "max_length", place),
            yes=reader.line(given, "yes", place),
            no=reader.line(given, "no", place),
        )

    def to_json(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    # --- what it takes ---------------------------------------------------------------------------------------------
    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def is_text(self) -> bool:
        return self.type in ("text", "long_text")

    @property
    def most(self) -> int:
        """Characters that a text may have."""
        return self.max_length or (MAX_LONG_TEXT if self.type == "long_text" else MAX_TEXT)

    @property
    def nothing(self) -> Value:
        """The value of a field that was left empty."""
        return {"multi_choice": (), "number": None, "colour": "", "yes_no": False}.get(self.type, "")

    def clean(self, value: object) -> Value:
        """The value as it is kept: text tidied, a number as int or float, a colour as `#rrggbb`, several choices as a tuple.

        Takes what a form, a table or JSON gives, so `"3"` is a number and `"Yes"` a yes. Raises `ValueError` with a sentence.
        """
        if value is None or (isinstance(value, str) and not value.strip()) or value == [] or value == ():
            if self.required and self.type != "yes_no":
                raise ValueError(f"Fill in “{self.title}”.")
            return self.nothing
        match self.type:
            case "choice":
                return self._choice(_as_text(value))
            case "multi_choice":
                return self._choices(value)
            case "number":
                return self._number(value)
            case "colour":
                return self._colour(_as_text(value))
            case "yes_no":
                return self._answer(value)
        return self._text(_as_text(value))

    def words(self, value: Value) -> str:
        """What a cleaned value puts into the prompt. It is plain words: whoever puts it there sees to it that nothing in it is syntax."""
        if self.type == "yes_no":
            return self.yes if value else self.no
        if value is None or value == "":
            return ""
        if isinstance(value, tuple):
            return ", ".join(value)
        if isinstance(value, int | float):
            return _plain(value)
        return colours.words(value) if self.type == "colour" else value

    def _text(self, value: str) -> str:
        words = tidy.text(value) if self.type == "long_text" else tidy.line(value)
        if self.required and not words:
            raise ValueError(f"Fill in “{self.title}”.")
        if len(words) > self.most:
            raise ValueError(f"“{self.title}” may have at most {self.most:,} characters; this has {len(words):,}. Shorten it.")
        return words

    def _choice(self, value: str) -> str:
        words = tidy.line(value)
        found = [choice for choice in self.choices if choice == words] or [
            choice for choice in self.choices if choice.casefold() == words.casefold()
        ]
        if not found:
            raise ValueError(f"“{self.title}” has no choice “{_short(words)}”. Take one of: {_listed(self.choices)}.")
        return found[0]

    def _choices(self, value: object) -> tuple[str, ...]:
        """In the order of the field, so that the same choice makes the same text. A text holds them with commas or semicolons between."""
        if isinstance(value, str):
            given = [value] if tidy.line(value) in self.choices else re.split(r"[;\n]" if ";" in value else r"[,\n]", value)
        else:
            given = [_as_text(one) for one in value] if isinstance(value, Sequence) else [_as_text(value)]
        chosen = {self._choice(one) for one in given if one.strip()}
        if self.required and not chosen:
            raise ValueError(f"Choose something for “{self.title}”.")
        return tuple(choice for choice in self.choices if choice in chosen)

    def _number(self, value: object) -> Number:
        try:
            number = _decimal(value)
        except ValueError:
            raise ValueError(f"“{self.title}” has to be a number, written like 3 or 0.5; “{_short(str(value))}” is none.") from None
        low, high = (None if limit is None else _decimal(limit) for limit in (self.minimum, self.maximum))
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"“{self.title}” has to be {_range(self.minimum, self.maximum)}; {_short(str(value))} is not.")
        if self.step and (number - (low or 0)) % _decimal(self.step):
            start = f" from {_plain(self.minimum)}" if self.minimum else ""
            raise ValueError(f"“{self.title}” goes in steps of {_plain(self.step)}{start}; {_short(str(value))} lies between two of them.")
        return int(number) if number == number.to_integral_value() else float(number)

    def _colour(self, value: str) -> str:
        if named := colours.named(value):  # as people write it into a table
            return named
        found = _COLOUR.fullmatch(value.strip())
        if not found:
            raise ValueError(f"“{self.title}” has to be a colour like #d4a017 or teal; “{_short(value)}” is none.")
        digits = found[1].lower()
        return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))

    def _answer(self, value: object) -> bool:
        word = _as_text(value).strip().casefold()
        if word in _YES or word == self.yes.casefold() != "":
            return True
        if word in _NO or word == self.no.casefold() != "":
            return False
        raise ValueError(f"“{self.title}” is answered with yes or no; “{_short(word)}” is neither.")

    # --- whether it makes sense ------------------------------------------------------------------------------------
    def problems(self) -> Problems:
        """Sentences by the name of what they are about: `name`, `label`, `choices`, `default` …"""
        found: Problems = {}
        if not NAME.fullmatch(self.name):
            found["name"] = "A field's name starts with a letter and has small letters a to z, digits and _ only, like main_object."
        elif len(self.name) > MAX_NAME:
            found["name"] = f"A field's name has at most {MAX_NAME} characters."
        elif self.name in RESERVED:
            found["name"] = f"“{self.name}” is the name of a setting. Call the field something else."
        if len(self.label) > MAX_LABEL:
            found["label"] = f"A label has at most {MAX_LABEL} characters. Put the rest into the help."
        if len(self.help) > MAX_HELP:
            found["help"] = f"A help has at most {MAX_HELP} characters. Shorten it."
        found |= self._choice_problems() if self.type in ("choice", "multi_choice") else {}
        found |= self._limit_problems() if self.type == "number" else {}
        found |= self._answer_problems() if self.type == "yes_no" else {}
        longest = MAX_LONG_TEXT if self.type == "long_text" else MAX_TEXT
        if self.is_text and self.max_length is not None and not 1 <= self.max_length <= longest:
            found["max_length"] = f"The most characters of a {TYPES[self.type].lower()} lie between 1 and {longest:,}."
        if not found and self.default not in (None, "", ()):
            try:
                self.clean(self.default)
            except ValueError as error:
                found["default"] = f"The default does not fit: {error}"
        return found

    def _choice_problems(self) -> Problems:
        spelled = [choice.casefold() for choice in self.choices]
        twice = next((choice for place, choice in enumerate(self.choices) if choice.casefold() in spelled[:place]), "")
        if not self.choices:
            return {"choices": "Write at least one choice, each on a line of its own."}
        if len(self.choices) > MAX_CHOICES:
            return {"choices": f"A field has at most {MAX_CHOICES} choices."}
        if not all(self.choices):
            return {"choices": "A choice may not be empty. For a choice of nothing, leave the field optional."}
        if twice:
            return {"choices": f"“{_short(twice)}” is there twice. Take one of them out."}
        if any(len(choice) > MAX_CHOICE for choice in self.choices):
            return {"choices": f"A choice has at most {MAX_CHOICE} characters."}
        if self.type == "multi_choice" and (odd := next((choice for choice in self.choices if ";" in choice), "")):
            return {"choices": f"“{_short(odd)}” has a semicolon, which stands between choices in tables. Write it without."}
        return {}

    def _limit_problems(self) -> Problems:
        limits = {"minimum": self.minimum, "maximum": self.maximum, "step": self.step}
        if odd := {name: "That number is too large, or has too many places." for name, limit in limits.items() if not _is_sane(limit)}:
            return odd
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            return {"maximum": f"The largest number is below the smallest, which is {_plain(self.minimum)}."}
        if self.step is not None and self.step <= 0:
            return {"step": "A step has to be above 0. Leave it empty for any number."}
        return {}

    def _answer_problems(self) -> Problems:
        found = {
            name: f"Use at most {MAX_WORDS} characters." for name, words in (("yes", self.yes), ("no", self.no)) if len(words) > MAX_WORDS
        }
        if not self.yes and not self.no:
            found["yes"] = "Write what a yes puts into the prompt; neither answer does anything so far."
        elif self.yes.casefold() == self.no.casefold():
            found["no"] = "Yes and no put the same words into the prompt. Change one of them."
        return found


def _default(value: object, reader: Reader, place: str) -> Value:
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(tidy.line(one) for one in value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return tidy.text(value)
    reader.tell(place, "A default is a text, a number, true or false, or a list of texts.")
    return None


def _as_text(value: object) -> str:
    """JSON's and a spreadsheet's values as people would write them."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _plain(value) if isinstance(value, int | float) else str(value)


def _decimal(value: object) -> Decimal:
    """Exact, so that 0.3 lies on steps of 0.1. Raises `ValueError`."""
    try:
        number = Decimal(str(value).strip().replace("\u2212", "-")) if not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) > MAX_NUMBER or number.as_tuple().exponent < -12:  # type: ignore[operator]
        raise ValueError(value)
    return number


def _is_sane(limit: Number | None) -> bool:
    try:
        return limit is None or _decimal(limit) is not None
    except ValueError:
        return False


def _plain(value: Number) -> str:
    """Without an exponent and without zeros that say nothing: 3, 0.5, 0.0000001."""
    written = format(Decimal(str(value)), "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _range(minimum: Number | None, maximum: Number | None) -> str:
    if minimum is None:
        return f"{_plain(maximum or 0)} or less"
    return f"{_plain(minimum)} or more" if maximum is None else f"between {_plain(minimum)} and {_plain(maximum)}"


def _short(words: str) -> str:
    return words if len(words) <= 40 else f"{words[:39]}…"


def _listed(choices: Sequence[str]) -> str:
    more = f" and {len(choices) - 6} more" if len(choices) > 6 else ""
    return ", ".join(_short(choice) for choice in choices[:6]) + more
