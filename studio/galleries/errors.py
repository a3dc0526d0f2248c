"""What can go wrong with a gallery, in sentences that a person reads.

GalleryError
├── NotYours     not_yours     only its owner may make a gallery private
├── NotShared    not_shared    a link to a gallery that only the team sees
├── NoReason     no_reason     a rejection that does not say why
└── Handled      handled       a report that somebody has handled meanwhile
"""

from __future__ import annotations

from typing import ClassVar


class GalleryError(Exception):
    """Something that a person can do something about."""

    code: ClassVar[str] = "gallery"
    message: ClassVar[str] = "This cannot be done with the gallery."

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
