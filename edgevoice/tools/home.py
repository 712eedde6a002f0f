"""The tool `home`: passes a sentence on to Home Assistant, which understands it and says what came of it.

By its conversation API (developers.home-assistant.io/docs/intent_conversation_api): what may be controlled is what is
exposed to its voice assistants.
"""

import json
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from edgevoice.errors import ToolRefused
from edgevoice.settings.integrations import HomeSettings
from edgevoice.tools.decorator import tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.http_client import HttpAnswer, HttpRequest, RequestFailed, fetch
from edgevoice.tools.tool import ToolContext

_STATUS: Final = {
    "401": "Home Assistant refused the access token; tell the user to make a new one and store it",
    "403": "Home Assistant refused the access token; tell the user to make a new one and store it",
    "404": "Home Assistant has no conversation API at this address; tell the user to check home.url",
}


class _Plain(msgspec.Struct):
    speech: str = ""


class _Speech(msgspec.Struct):
    plain: _Plain = msgspec.field(default_factory=_Plain)


class _Response(msgspec.Struct):
    response_type: str = ""
    speech: _Speech = msgspec.field(default_factory=_Speech)


class _Processed(msgspec.Struct):
    response: _Response
    conversation_id: str | None = None


_decoder: Final = msgspec.json.Decoder(_Processed)


class HomeAssistant:
    """Home Assistant at ``settings.url``; ``language`` is that of the user, and ``token`` is never shown."""

    def __init__(self, settings: HomeSettings, token: str, language: str) -> None:
        self._settings = settings
        self._token = token
        self._language = language
        self._conversation: str | None = None

    def tell(self, text: str, is_cancelled: Callable[[], bool]) -> dict[str, Any]:
        """Return what Home Assistant answered; blocks. Raises ``ToolRefused`` with a text that can be spoken."""
        wanted = {"text": text, "language": self._language}
        # Neither may be null.
        if self._conversation:
            wanted["conversation_id"] = self._conversation
        if self._settings.agent:
            wanted["agent_id"] = self._settings.agent
        answer = self._request("POST", "/api/conversation/process", wanted, is_cancelled)
        try:
            processed = _decoder.decode(answer.body)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise ToolRefused("Home Assistant's answer cannot be understood; tell the user to check home.url") from None
        self._conversation = processed.conversation_id
        speech = processed.response.speech.plain.speech
        if processed.response.response_type == "error":
            raise ToolRefused(f"Home Assistant could not do it and says: {speech or 'no reason'}")
        return {"home_assistant_says": speech, "kind": processed.response.response_type}

    def check(self) -> None:
        """Return if the address and the token are right. Raises ``ToolRefused``."""
        answer = self._request("GET", "/api/", None, lambda: False)
        try:
            message = json.loads(answer.body)["message"]
        except (ValueError, KeyError, TypeError):
            message = None
        if not isinstance(message, str):
            raise ToolRefused("what answers there is not Home Assistant; tell the user to check home.url")

    def _request(
        self, method: str, path: str, wanted: dict[str, Any] | None, is_cancelled: Callable[[], bool]
    ) -> HttpAnswer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        body = json.dumps(wanted).encode() if wanted is not None else None
        request = HttpRequest(method, self._settings.url.rstrip("/") + path, headers, body)
        try:
            return fetch(request, self._settings.timeout_s, is_cancelled)
        except RequestFailed as failed:
            status = str(failed).rpartition(" ")[2]
            raise ToolRefused(_STATUS.get(status, f"Home Assistant cannot be reached: {failed}")) from None


def home_source(settings: HomeSettings, token: str, language: str) -> FunctionSource:
    """Return the source of the tool; it calls nothing before the model does."""
    assistant = HomeAssistant(settings, token, language)

    @tool(timeout_s=settings.timeout_s + 2)
    def home(
        text: Annotated[str, Meta(min_length=1, max_length=500), "what to do or to find out, as one short sentence"],
        context: ToolContext,
    ) -> dict[str, Any]:
        """Control or ask the smart home: lights, heating, blinds, scenes, sensors, shopping list. One wish per call."""
        return assistant.tell(text, lambda: context.is_cancelled)

    return FunctionSource([home], name="home")
