"""`manage.py send_test_mail somebody@example.org`: does the studio's mail arrive, and what does it look like there?"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts import mails


class Command(BaseCommand):
    help = "Send a test mail to an address, and say what went wrong if it cannot be sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", help="where to: somebody@example.org")

    def handle(self, *args: Any, address: str, **options: Any) -> None:
        try:
            validate_email(address)
        except ValidationError as error:
            raise CommandError(f"{address} does not look like an email address.") from error
        [problem] = mails.send([mails.compose("test", address, {})])
        if problem:
            raise CommandError(f"The mail could not be sent: {problem}. STUDIO_EMAIL_URL says how mails are sent.")
        if mails.mail_is_sent():
            self.stdout.write(f"A mail is on its way to {address}. Look there, into the spam folder too.")
        else:
            self.stdout.write("No mail server is set up, so the mail stands above. STUDIO_EMAIL_URL names one.")
