"""What programs ask for is read in when the first of them comes."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys, django
django.setup()
from django.urls import resolve, reverse
import studio.asgi
seen = [reverse("create"), resolve("/wallet/").url_name, "ninja" in sys.modules]
seen += [reverse("programs:api_docs"), reverse("programs:v1:submit_job")]
seen += [resolve("/v2beta/results/1").view_name, resolve("/api/v1/jobs").namespace, "ninja" in sys.modules]
print(*seen)
"""


def test_pages_are_found_without_what_programs_need() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "/create/",
        "wallet",
        "False",
        "/api/v1/docs",
        "/api/v1/jobs",
        "stability:stability",
        "programs:v1",
        "True",
    ]
