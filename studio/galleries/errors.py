"""What can go wrong with what a team does with what it made.

GalleryError
├── NotYours            not_yours          only its owner may make a gallery private
├── NotShared           not_shared         a link to a gallery that only the team sees
├── NoReason            no_reason          a rejection that does not say why
├── Handled             handled            a report that somebody has handled meanwhile
├── TalkError
│   ├── SaidTooMuch     said_too_much      too many comments in a minute
│   └── SaidTooLongAgo  said_too_long_ago  a comment can be changed for a while only
└── Refused             with a sentence of its own
    ├── TagRefused      tag_refused        a name that is none, or one too many on a picture
    ├── BulkRefused     bulk_refused       nothing chosen, too much at once, or something that makes no sense
    └── UndoRefused     undo_refused       too late, somebody else's, or not from here
"""

from __future__ import annotations

from typing import ClassVar


class GalleryError(Exception):
    """`code` is for programs, `message` is a sentence for people."""

    code: ClassVar[str] = "gallery_error"
    message: ClassVar[str] = "That did not work."

    def __str__(self) -> str:
        return self.message


class NotYours(GalleryError):
    code = "not_yours"
    message = "Only the person who owns this gallery can make it private: nobody else would find it again."


class NotShared(GalleryError):
    code = "not_shared"
    message = "Only the team sees this gallery. Choose “Whoever has a link” first."


class NoReason(GalleryError):
    code = "no_reason"
    message = "Say why, so that they know what to change."


class Handled(GalleryError):
    code = "handled"
    message = "Somebody else has handled this report meanwhile."


class TalkError(GalleryError):
    code = "talk_error"


class SaidTooMuch(TalkError):
    code = "said_too_much"
    message = "That was a lot in one minute. What you wrote is still here; send it in a moment."


class SaidTooLongAgo(TalkError):
    code = "said_too_long_ago"
    message = "This was said more than 15 minutes ago, and others have read it. Delete it, or say something new."


class Refused(GalleryError):
    """The sentence says what exactly: `Refused("A tag needs at least one letter.")`."""

    def __str__(self) -> str:
        return str(self.args[0])


class TagRefused(Refused):
    code = "tag_refused"


class BulkRefused(Refused):
    code = "bulk_refused"


class UndoRefused(Refused):
    code = "undo_refused"
