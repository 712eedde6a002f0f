"""The local service's server: its sockets, and which clients may open a session. Opens no port unless told to."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local import connection as connections
from edgevoice.local import first_protocol
from edgevoice.local.answers import FirstWords, SharedParts
from edgevoice.local.behaviour import Behaviour, UpgradeRefusal
from edgevoice.local.dialect import INWORLD, OPENAI, OPENAI_FIRST, Dialect
from edgevoice.local.recorder import WireRecorder
from edgevoice.local.speech.listener import require_voice_activity
from edgevoice.local.speech.recogniser import PhonemeRecogniser, Recogniser
from edgevoice.local.speech.voice import HibariVoice, Voice

PATH = "/api/v1/realtime/session"
# OpenAI's own clients accept another host, but no other path; they have no session key, and name the model here.
OPENAI_PATH = "/v1/realtime"
# One event may carry 15 MiB of base64 audio; more is a client's mistake.
_MAX_FRAME_BYTES = 16 * 2**20
# Long enough for a client's closing handshake, short enough for a service that was told to stop.
_CLOSE_TIMEOUT_S = 0.4
_OPEN_TIMEOUT_S = 10.0


class LocalService:
    """Serve the Realtime protocol on ``host:port`` (0 is any free port), on a unix socket, or on both.

    Without ``port`` and ``unix_path`` it uses a free port; with only a ``unix_path`` no port is open. ``accept_keys``
    are the keys that may open a session; None accepts any key, like a service without accounts. ``behaviour`` is for
    tests. ``announcement`` is spoken once, before the first spoken answer. ``record`` is a folder for recordings of
    what was heard and sent. ``pace`` is how much faster than real time speech is sent. ``voice`` and ``recogniser`` are
    loaded on entry unless given. ``tidy_up`` is called in a thread, while they load and after each session. Entering
    raises LocalServiceUnavailable if a package is missing or a socket cannot be opened. ``url`` has neither key nor
    protocol; for a unix socket it is the address to use in the handshake.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        unix_path: Path | None = None,
        accept_keys: Collection[str] | None = None,
        behaviour: Behaviour | None = None,
        announcement: str | None = None,
        record: Path | None = None,
        pace: float = 8.0,
        voice: Voice | None = None,
        recogniser: Recogniser | None = None,
        tidy_up: Callable[[], None] | None = None,
    ) -> None:
        self._address = (host, 0 if port is None and unix_path is None else port)
        self._unix_path = unix_path
        self._accept_keys = accept_keys
        self._behaviour = behaviour or Behaviour()
        self._announcement = FirstWords(announcement or "")
        self._record = record
        self._pace = pace
        self._voice = voice
        self._recogniser = recogniser
        self._tidy = tidy_up
        self._sockets = contextlib.AsyncExitStack()
        self.url = f"ws://localhost{PATH}"

    async def __aenter__(self) -> Self:
        require_voice_activity()
        recogniser = self._recogniser
        if recogniser is None:
            recogniser = await asyncio.to_thread(PhonemeRecogniser.load)
            await self._tidy_up()
        voice = self._voice
        if voice is None:
            voice = await asyncio.to_thread(HibariVoice.load)
        means = SharedParts(voice=voice, behaviour=self._behaviour, announcement=self._announcement, pace=self._pace)
        numbers = itertools.count(1)

        async def handle(connection: ServerConnection) -> None:
            number = next(numbers)
            with contextlib.ExitStack() as files:
                recorder = files.enter_context(WireRecorder(self._record)) if self._record else None
                session = connections.session_of(f"sess_{number}", _openai_model(connection), _dialect(connection))
                await connections.serve(connection, session, means, recogniser, recorder)
            await self._tidy_up()

        options: dict[str, Any] = {
            "process_request": self._decide,
            "compression": None,
            "max_size": _MAX_FRAME_BYTES,
            "ping_interval": self._behaviour.ping_interval_s,
            "open_timeout": _OPEN_TIMEOUT_S + self._behaviour.delay_open_s,
            "close_timeout": _CLOSE_TIMEOUT_S,
        }
        async with contextlib.AsyncExitStack() as sockets:
            try:
                host, port = self._address
                if port is not None:
                    server = await sockets.enter_async_context(serve(handle, host, port, **options))
                    shown = f"[{host}]" if ":" in host else host
                    self.url = f"ws://{shown}:{server.sockets[0].getsockname()[1]}{PATH}"
                if self._unix_path is not None:
                    await sockets.enter_async_context(unix_serve(handle, str(self._unix_path), **options))
                    self._unix_path.chmod(0o600)
            except OSError as error:
                raise LocalServiceUnavailable(
                    f"The local service cannot listen: {error.strerror or error}",
                    remedy="Name another port, or stop the program that uses it (`ss -ltnp` names it).",
                ) from error
            self._sockets = sockets.pop_all()
        return self

    async def _tidy_up(self) -> None:
        if self._tidy is not None:
            await asyncio.to_thread(self._tidy)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sockets.aclose()

    async def _decide(self, _: ServerConnection, request: Request) -> Response | None:
        refusal = self._refusal_of(request) or await self._behaviour.refusal()
        if refusal is None:
            return None
        told = {"error": {"code": refusal.code, "message": refusal.message}}
        body = json.dumps(told).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
        return Response(refusal.status, HTTPStatus(refusal.status).phrase, headers, body)

    def _refusal_of(self, request: Request) -> UpgradeRefusal | None:
        place, query = _address_of(request)
        match place:
            case path if path == PATH:
                is_complete = bool(query.get("key")) and query.get("protocol") == ["realtime"]
            case path if path == OPENAI_PATH:
                is_complete = bool(query.get("model")) or _is_transcription(query)
            case _:
                return UpgradeRefusal.of(HTTPStatus.NOT_FOUND)
        if not is_complete:
            return UpgradeRefusal.of(HTTPStatus.BAD_REQUEST)
        # With more than one such header, none can be trusted.
        named = request.headers.get_all("Authorization")
        scheme, _, key = (named[0] if len(named) == 1 else "").partition(" ")
        if scheme.lower() not in {"basic", "bearer"} or not key.strip():
            return UpgradeRefusal.of(HTTPStatus.UNAUTHORIZED)
        if self._accept_keys is not None and key.strip() not in self._accept_keys:
            return UpgradeRefusal.of(HTTPStatus.UNAUTHORIZED)
        return None


def _openai_model(connection: ServerConnection) -> str | None:
    """Return the model that an OpenAI client names in the address, empty if it wants only transcripts.

    None for other clients.
    """
    place, query = _address_of(connection.request)
    return query.get("model", [""])[0] if place == OPENAI_PATH else None


def _dialect(connection: ServerConnection) -> Dialect:
    """Return the dialect that the client requests by its path and OpenAI's header."""
    request = connection.request
    if request is None or _address_of(request)[0] != OPENAI_PATH:
        return INWORLD
    wants_first = first_protocol.VALUE in request.headers.get_all(first_protocol.HEADER)
    return OPENAI_FIRST if wants_first else OPENAI


def _address_of(request: Request | None) -> tuple[str, dict[str, list[str]]]:
    """Return the path and the query of a request; both empty if its address cannot be parsed."""
    try:
        address = urlsplit(request.path if request is not None else "")
    except ValueError:
        return "", {}
    return address.path, parse_qs(address.query)


def _is_transcription(query: Mapping[str, list[str]]) -> bool:
    # OpenAI's speech-to-text clients name their model in the session, not here.
    return query.get("intent") == ["transcription"]
