"""Every mail of the studio: a plain and an HTML part, sent once the transaction is over, and never the reason that a page fails.

Whoever changes rows composes letters in or after the transaction and hands them to `send` when it has ended; what `send` returns is told to
the person.
"""

from __future__ import annotations

import re
import smtplib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)

WIDTH = 72
"""Characters of a line of plain text (RFC 3676 asks for 78 at most, quoted answers included)."""
FAILURES = (OSError, smtplib.SMTPException, ValueError)
"""What a mail server, the way to it, or an address that no mail can carry may raise."""
_ITEM = re.compile(r"(- |> ?)")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a letter: `kind` is text (one paragraph), link (an address alone on its line), list or quote (a line each)."""

    kind: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.lines[0]


def mail_is_sent() -> bool:
    """Whether letters go to a mail server; without one they are written to the log."""
    return not settings.EMAIL_BACKEND.endswith("console.EmailBackend")


def absolute(path: str) -> str:
    """The address under which people open a page of the studio, whatever the host by which this request came."""
    return f"{settings.STUDIO_URL}{path}"


def blocks(text: str) -> list[Block]:
    """Take a plain letter apart. Paragraphs are set apart by an empty line; lines that begin with `- ` or `> ` are a list or a quote."""
    found = []
    for chunk in re.split(r"\n[ \t]*\n", text.strip()):
        lines = [line.strip() for line in chunk.splitlines() if line.strip()]
        if not lines:
            continue
        marks = {match[1][0] if (match := _ITEM.match(line)) else "" for line in lines}
        if len(marks) == 1 and marks != {""}:
            found.append(Block("list" if marks == {"-"} else "quote", tuple(_ITEM.sub("", line, count=1) for line in lines)))
        elif len(lines) == 1 and re.fullmatch(r"https?://\S+", lines[0]):
            found.append(Block("link", (lines[0],)))
        else:
            found.append(Block("text", (" ".join(lines),)))
    return found


def wrapped(text: str) -> str:
    """The same letter in lines of `WIDTH` characters; an address is never broken."""
    return "\n\n".join("\n".join(_lines(block)) for block in blocks(text))


def _lines(block: Block) -> Iterator[str]:
    mark = {"list": "- ", "quote": "> "}.get(block.kind, "")
    rest = "> " if block.kind == "quote" else " " * len(mark)
    for line in block.lines:
        pieces = textwrap.wrap(line, WIDTH, initial_indent=mark, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
        yield from pieces or [mark.rstrip()]


def compose(name: str, to: str, context: Mapping[str, Any], *, reply_to: str = "") -> EmailMultiAlternatives:
    """The letter of `templates/mail/NAME_subject.txt`, `NAME.txt` and `NAME.html`."""
    given = {"home": settings.STUDIO_URL, **context}
    subject, text, html = (render_to_string(f"mail/{name}{part}", given) for part in ("_subject.txt", ".txt", ".html"))
    return letter(to, subject, text, html, reply_to=reply_to)


def from_text(to: str, subject: str, text: str, *, button: str = "Open") -> EmailMultiAlternatives:
    """A letter that somebody else wrote as plain text: its HTML part has the same words, and `button` on its first address."""
    context = {"home": settings.STUDIO_URL, "subject": one_line(subject), "blocks": blocks(text), "button": button}
    return letter(to, subject, text, render_to_string("mail/plain.html", context))


def letter(to: str, subject: str, text: str, html: str, *, reply_to: str = "") -> EmailMultiAlternatives:
    """A letter as all of the studio's are. It is no list's mail, so no List- header; nobody's holiday machine answers it (RFC 3834)."""
    message = EmailMultiAlternatives(
        one_line(subject),
        f"{wrapped(text)}\n\n-- \nAtelier, {settings.STUDIO_URL}\n",
        settings.DEFAULT_FROM_EMAIL,
        [to],
        reply_to=[reply_to] if reply_to else None,
        headers={
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "Message-ID": make_msgid(domain=urlsplit(settings.STUDIO_URL).hostname),  # and not the name of this machine
        },
    )
    message.attach_alternative(html, "text/html")
    return message


def send(messages: Sequence[EmailMultiAlternatives]) -> list[str]:
    """Send letters over one connection. For each: empty, or what went wrong, in words that go on after "could not be sent: "."""
    connection = get_connection()
    try:
        connection.open()
    except FAILURES as error:
        return [_told(error)] * len(messages)
    problems = []
    for message in messages:
        message.connection = connection
        try:
            message.send()
            problems.append("")
        except FAILURES as error:
            problems.append(_told(error))
    with suppress(*FAILURES):
        connection.close()
    return problems


def _told(error: Exception) -> str:
    """Note a failure in the log, without any address, and say it in words."""
    log.warning("mail_not_sent", reason=type(error).__name__, code=getattr(error, "smtp_code", None))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the mail server refused the studio’s name or password"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "the mail server does not take mail for this address"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return "the mail server does not take mail from the studio’s address"
    if isinstance(error, ValueError):
        return "no mail can be addressed like this"
    if isinstance(error, (smtplib.SMTPConnectError, smtplib.SMTPServerDisconnected)) or not isinstance(error, smtplib.SMTPException):
        return "the mail server cannot be reached"
    return "the mail server refused it"


def one_line(text: str) -> str:
    """A text that starts no line of its own: in a subject a header, in a letter a paragraph that others did not write."""
    return " ".join(text.split())
