"""One view for every address of the Stability API."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from studio.api.stability.dialects import dialect_of
from studio.api.stability.messages import Answer, Request


@csrf_exempt
def serve(request: HttpRequest) -> HttpResponse:
    asked = Request(request.method or "", request.path_info, {}, b"", uuid4().hex)
    dialect = dialect_of(asked.path)
    return response_of(dialect.answer(dialect.not_found(), asked), asked)


def response_of(answer: Answer, asked: Request) -> HttpResponse:
    headers = {"x-request-id": asked.request_id, "content-length": str(len(answer.body)), **answer.headers}
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type, headers=headers)
