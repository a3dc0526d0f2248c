"""What a key's secret looks like: `sk-`, 8 characters by which it is looked up, 43 random ones, 6 of a checksum. All letters and digits.

So a scanner tells a leaked key from other words without asking anybody, and one that was copied wrongly is refused without a query.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "sk-"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC, RANDOM, CHECK = 8, 43, 6
"""Characters. 43 of 62 kinds are 256.03 bits; 6 hold every CRC-32."""
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{PUBLIC}}})[0-9A-Za-z]{{{RANDOM + CHECK}}}")


def random_id(length: int) -> str:
    """So many random letters and digits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_secret() -> tuple[str, str]:
    """A secret, and the part of it by which it is looked up."""
    public = random_id(PUBLIC)
    body = f"{PREFIX}{public}{random_id(RANDOM)}"
    return body + checksum(body), public


def checksum(body: str) -> str:
    """The CRC-32 of what stands before it, in base 62. It guards against slips, not against people."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def public_part(secret: str) -> str | None:
    """The part by which a secret is looked up; None for what cannot be one."""
    found = _FORM.fullmatch(secret)
    return found[1] if found and checksum(secret[:-CHECK]) == secret[-CHECK:] else None


def hashed(secret: str) -> str:
    """SHA-256 in hex. A secret has 256 random bits, so it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
