"""What can go wrong in an engine.

BackendError                 code, retryable, message for a person, fields {name: message}
├── RequestCanceled          canceled               final
├── InvalidRequest           bad_request            final   the engine refuses these parameters; `fields` says which
│   ├── PayloadTooLarge      payload_too_large      final   the files are too big for the endpoint
│   └── LanguageRefused      language_refused       final   the prompt is in a language that the provider does not take
├── ContentFiltered          content_filtered       final   moderation
│   ├── PublicFigure         public_figure          final   a public figure was seen in a picture
│   └── CopyrightedContent   copyrighted_content    final   copyrighted music was heard
├── NotConfigured            not_configured         final   no key, library not installed
│   └── KeyRefused           key_refused            final   the provider does not take the studio's key
├── ProviderOutOfCredits     provider_balance       final
├── RateLimited              rate_limited           retryable, `retry_after` seconds
│   └── CoolingDown          rate_limited           retryable   until then nothing may be asked: come back
├── EngineUnavailable        engine_unavailable     retryable   503, cannot connect, still loading
├── ResultUnknown            result_unknown         final   sent, but the answer was lost: may have been billed
│   └── ResultBroken         result_broken          final   … or came back whole and cannot be read
├── ModelUnusable            model_unusable         final   folder missing, broken, not safetensors, unknown pipeline
├── OutOfMemory              out_of_memory          final   after one retry with slicing and tiling
└── EngineFailed             engine_failed          final   anything else
    └── EngineCrashed        engine_failed          final   … in the middle of it: may have been billed
"""

from collections.abc import Mapping


class BackendError(Exception):
    """Base of all. `message` is for the person who pressed Generate: no key, no path, no traceback.

    `may_be_billed`: a provider may have taken something all the same; any other error is an answer, given before there was a result.
    `fields` are messages that belong beside a setting: names of `GenerationRequest`, or keys of its `extra` and `media`.
    """

    code = "engine_failed"
    retryable = False
    may_be_billed = False
    default_message = "The engine failed."

    def __init__(self, message: str = "", *, retry_after: float | None = None, fields: Mapping[str, str] | None = None) -> None:
        self.message = message or self.default_message
        self.retry_after = retry_after
        self.fields = dict(fields or {})
        super().__init__(self.message)


class RequestCanceled(BackendError):
    code = "canceled"
    default_message = "Stopped."


class InvalidRequest(BackendError):
    code = "bad_request"
    default_message = "The engine does not accept these settings."


class PayloadTooLarge(InvalidRequest):
    code = "payload_too_large"
    default_message = "The files are too big for this engine."


class LanguageRefused(InvalidRequest):
    code = "language_refused"
    default_message = "This engine understands English only."


class ContentFiltered(BackendError):
    code = "content_filtered"
    default_message = "The provider's content filter refused this."


class PublicFigure(ContentFiltered):
    code = "public_figure"
    default_message = "The provider saw the likeness of a public figure in the picture."


class CopyrightedContent(ContentFiltered):
    code = "copyrighted_content"
    default_message = "The provider heard copyrighted music in the sound."


class NotConfigured(BackendError):
    code = "not_configured"
    default_message = "This engine is not set up."


class KeyRefused(NotConfigured):
    code = "key_refused"
    default_message = "The provider does not accept the studio's key."


class ProviderOutOfCredits(BackendError):
    code = "provider_balance"
    default_message = "The studio's account at the provider is out of credits."


class RateLimited(BackendError):
    code = "rate_limited"
    retryable = True
    default_message = "The provider asks to slow down."


class CoolingDown(RateLimited):
    """The rest is too long to be waited for in place. For a call that was not even tried it costs no attempt."""


class EngineUnavailable(BackendError):
    code = "engine_unavailable"
    retryable = True
    default_message = "The engine cannot be reached right now."


class ResultUnknown(BackendError):
    code = "result_unknown"
    may_be_billed = True
    default_message = "The connection was lost after the request was sent, so the result is unknown."


class ResultBroken(ResultUnknown):
    code = "result_broken"
    default_message = "The provider's answer could not be read, so the result is lost."


class ModelUnusable(BackendError):
    code = "model_unusable"
    default_message = "This model cannot be loaded."


class OutOfMemory(BackendError):
    code = "out_of_memory"
    default_message = "There is not enough memory for this picture. Try a smaller size or fewer pictures."


class EngineFailed(BackendError):
    """Anything unforeseen; the log has the details."""


class EngineCrashed(EngineFailed):
    may_be_billed = True
