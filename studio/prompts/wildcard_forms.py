"""What somebody writes, or brings as a text file, to make a list of words."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from studio.prompts import tidy
from studio.prompts.services.wildcards import MOST_CHARACTERS, MOST_LINES

MOST_BYTES = 4 * MOST_LINES * (MOST_CHARACTERS + 2)
"""Of a file: as many lines as a list may have, of letters of any script."""


class ListForm(forms.Form):
    """A name, and lines that are typed or come from a file. What a file says is put where one types: nothing is lost when it is refused."""

    name = forms.CharField(
        label="Name",
        required=False,
        max_length=200,
        help_text="Small letters, digits, - and _. In a prompt it stands between two underscores on each side.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    lines = forms.CharField(
        label="Lines",
        required=False,
        help_text="One choice on each line. {red|green} and the names of other lists work in it; “# …” is a remark.",
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "dir": "auto"}),
    )
    file = forms.FileField(
        label="Or a text file",
        required=False,
        allow_empty_file=True,
        help_text="UTF-8, in place of what is typed above.",
        widget=forms.FileInput(attrs={"accept": ".txt,text/plain"}),
        error_messages={"max_length": "Shorten the name of the file."},
    )

    def __init__(self, data: Any = None, files: Any = None, **kwargs: Any) -> None:
        super().__init__(data.copy() if data is not None else None, files, label_suffix="", **kwargs)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if isinstance(file, UploadedFile):
            try:
                data["lines"] = read_file(file)
            except ValueError as error:
                self.add_error("file", str(error))
            else:
                data["name"] = data.get("name") or PurePath(file.name or "").stem.lower()
                self.data["name"], self.data["lines"] = data["name"], data["lines"]  # type: ignore[index]
        return data


def read_file(file: UploadedFile[bytes]) -> str:
    """The text of an upload. Raises ValueError with a sentence."""
    if (file.size or 0) > MOST_BYTES:
        raise ValueError(f"This file is larger than {MOST_BYTES // 1_000_000} MB, and no list: it may have {MOST_LINES:,} lines at most.")
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("This is no text in UTF-8. Save it as plain text (.txt) with the encoding UTF-8, and choose it again.") from None
    if "\0" in text:
        raise ValueError("This file is not plain text. Save it as plain text (.txt) with the encoding UTF-8, and choose it again.")
    return tidy.text(text)
