"""The web process's own part of a request, before Django is asked."""

from __future__ import annotations

import io
from unittest.mock import Mock

from twisted.web.test.requesthelper import DummyChannel

from studio.processes.site import CappedRequest

FORM = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na boat\r\n--x--\r\n'


class Received(CappedRequest):
    def process(self) -> None:
        self.body = self.content.read()


def test_the_event_loop_leaves_the_form_to_django() -> None:
    channel = DummyChannel()
    channel.factory = Mock()
    request = Received(channel, False)
    request.requestHeaders.setRawHeaders(b"Content-Type", [b"multipart/form-data; boundary=x"])
    request.content = io.BytesIO(b"")
    request.content.write(FORM)
    request.requestReceived(b"POST", b"/create/", b"HTTP/1.1")
    assert (request.args, request.body) == ({}, FORM)
