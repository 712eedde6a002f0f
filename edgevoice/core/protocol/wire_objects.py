"""The objects inside the service's events: errors, items, responses, sessions. Only what the client acts on. No I/O."""

import re

import msgspec

from edgevoice.core.protocol import lenient
from edgevoice.core.protocol.lenient import ABSENT, Arguments, Id

_MOST_ITEMS = 64
"""Items of one response: an answer is one or two, and each tool call is one."""


_CODE = re.compile(r"[a-z0-9_.-]{1,64}")


class ErrorBody(msgspec.Struct, frozen=True):
    """The content of an ``error`` event or of a failed transcription."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None

    @staticmethod
    def from_text(message: str) -> "ErrorBody":
        """Return an error given as plain text: it may be a code."""
        return ErrorBody(code=message if _CODE.fullmatch(message) else None, message=message)

    @property
    def codes(self) -> set[str]:
        """The error's code and type, as far as it has them: services differ in which of the two holds the cause."""
        return {code for code in (self.code, self.type) if code}


class Item(msgspec.Struct, frozen=True):
    """A conversation item; function calls carry ``name``, ``call_id`` and ``arguments``."""

    id: Id | None = None
    type: str | None = None
    status: str | None = None
    role: str | None = None
    name: Id | None = None
    call_id: Id | None = None
    arguments: Arguments | None = None

    @property
    def is_call(self) -> bool:
        """Whether the item is a tool call: its type says so if it has one; else only a call has such a name."""
        return self.type == "function_call" or (self.type is None and bool(self.call_id and self.name))


class StatusDetails(msgspec.Struct, frozen=True):
    """Why a response ended as it did."""

    reason: str | None = None
    code: str | None = None
    error: ErrorBody | None = None


class Metadata(msgspec.Struct, frozen=True):
    """What a request said of itself, repeated in its response: ``edgevoice`` is the name that we gave it."""

    edgevoice: str = ""


class Response(msgspec.Struct, frozen=True):
    """A response object; ``output`` and ``usage`` stay raw so that one odd item does not cost the event."""

    id: Id = ""
    status: str | None = None
    status_details: StatusDetails = StatusDetails()
    metadata: Metadata = Metadata()
    output: msgspec.Raw = ABSENT
    usage: msgspec.Raw = ABSENT

    def trouble(self) -> ErrorBody:
        """Return what ``status_details`` says about a failure; the reason replaces a missing code."""
        details = self.status_details
        error = details.error or ErrorBody()
        return ErrorBody(error.type, error.code or details.code or details.reason, error.message)

    def items(self) -> list[Item]:
        """Return the items of ``output`` that can be read; more than any answer has raise ``LimitExceeded``."""
        raw = lenient.values(self.output, most=_MOST_ITEMS)
        return [item for each in raw if (item := _item_of(each)) is not None]


class ServiceMemory(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the service has made of the conversation; ``state`` is for its next session."""

    state: msgspec.Raw = ABSENT


class ServiceExtension(msgspec.Struct, frozen=True, omit_defaults=True):
    """Inworld's own part of a session."""

    memory: ServiceMemory = ServiceMemory()


class SessionBody(msgspec.Struct, frozen=True, rename={"provider_data": "providerData"}):
    """A session as the service describes it."""

    expires_at: float | None = None
    provider_data: ServiceExtension = ServiceExtension()

    @property
    def memory_state(self) -> str | None:
        """What the service wants back with its next session, as JSON text; ``None`` if it says nothing of it."""
        return lenient.object_text(self.provider_data.memory.state)


_ITEM = lenient.Shape(Item)


def _item_of(raw: msgspec.Raw) -> Item | None:
    try:
        return _ITEM.read(raw)
    except lenient.UNREADABLE:
        return None
