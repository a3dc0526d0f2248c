"""Reads a page as a strict browser would: what it may run, what it names, what it says."""

from __future__ import annotations

import html.parser
from dataclasses import dataclass, field

VOID = {"input", "meta", "link", "img", "br", "hr"}


@dataclass
class Page(html.parser.HTMLParser):
    """Facts about an HTML page. `inline` lists what the Content-Security-Policy would block."""

    source: str
    lang: str = ""
    title: str = ""
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(self.source)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if tag == "html":
            self.lang = values.get("lang", "")
        if tag == "style" or "style" in values or any(name.startswith("on") for name in values):
            self.inline.append(f"<{tag} {values}>")
        if tag == "script" and "src" not in values and values.get("type") != "application/json":
            self.inline.append(f"<script {values}>")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "title" in self.open:
            self.title += data.strip()
        elif "script" not in self.open:
            self.text += data + " "

    def all(self, tag: str) -> list[dict[str, str]]:
        return [values for name, values in self.tags if name == tag]

    def unlabelled(self) -> list[dict[str, str]]:
        """Controls that a screen reader could not name."""
        labelled = {label.get("for") for label in self.all("label")}
        controls = [c for tag in ("input", "select", "textarea") for c in self.all(tag) if c.get("type") not in ("hidden", "submit")]
        return [c for c in controls if c.get("id") not in labelled and "aria-label" not in c and "data-single-keys" not in c]
