"""Why an account cannot be deleted now.

AccountStays      `message`: a sentence on what has to be done first
"""

from __future__ import annotations


class AccountStays(Exception):
    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)
