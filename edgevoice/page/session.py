"""A browser's session: what it may ask, paired or not. Everything else is refused."""

import asyncio
import contextlib
import json
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edgevoice.control.client import Reply
from edgevoice.errors import ControlRefused, ControlUnavailable, EdgevoiceError
from edgevoice.journal import tell
from edgevoice.page.link import BoxLink
from edgevoice.page.pairings import Pairings
from edgevoice.page.settings_file import SettingsFile
from edgevoice.page.settings_text import ChangeRefused
from edgevoice.page.viewer import Viewer

_log = logging.getLogger(__name__)

BOX_COMMANDS: Final = frozenset(
    {"status", "talk", "stop", "hang-up", "mute", "unmute", "volume", "timers", "personas", "doctor", "why"}
)
"""Commands of the control socket that a paired browser may use."""

_TICKET_S: Final = 30.0
_LOOK: Final = "Look at the log: journalctl -u edgevoice-page"
_CODE_LAPSED: Final = "not-paired"

Fields = dict[str, Any]
Answer = Callable[[Fields], Awaitable[Fields]]


class Tickets:
    """Tickets for the cookie: a browser that has answered with the right digits fetches it once, at once."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def issue(self) -> str:
        """Return a new one."""
        now = asyncio.get_running_loop().time()
        self._until = {ticket: until for ticket, until in self._until.items() if until > now}
        ticket = secrets.token_urlsafe(32)
        self._until[ticket] = now + _TICKET_S
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Return whether this is a ticket that nobody has redeemed yet, and it has not expired."""
        return self._until.pop(ticket, 0.0) > asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Means:
    """What all sessions share."""

    link: BoxLink
    pairings: Pairings
    settings: SettingsFile
    tickets: Tickets


class PageRefused(Exception):
    """A request is not carried out; the fields of the reply say why."""

    def __init__(self, code: str, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.fields = {"code": code, "problem": problem, "remedy": remedy}


class Session:
    """Answers the requests of one browser; ``cookie`` is what it was let in by, empty for one that is not paired."""

    def __init__(self, means: Means, viewer: Viewer, cookie: str) -> None:
        self._means = means
        self._viewer = viewer
        self._cookie = cookie
        self._pairing = ""
        self._beginning: asyncio.Future[Reply] | None = None
        self._own: Mapping[str, Answer] = {
            "settings": self._settings,
            "settings-check": self._check,
            "settings-write": self._write,
            "forget-me": self._forget,
        }

    @property
    def is_paired(self) -> bool:
        """Whether the browser is paired, now: the pairing may have been revoked, or have expired, meanwhile."""
        return bool(self._cookie) and self._means.pairings.find(self._cookie) is not None

    async def answer(self, message: str | bytes) -> None:
        """Answer one message of the browser, in one message."""
        number: int | None = None
        try:
            request = _read(message)
            # The page counts. Anything else might be what cannot be sent back, such as half a letter.
            number = given if isinstance(given := request.pop("id", None), int) else None
            fields = await self._carry_out(str(request.pop("do", "")), request)
            self._viewer.send_fields(id=number, ok=True, **fields)
        except PageRefused as refused:
            self._viewer.send_fields(id=number, ok=False, error=refused.fields)
        except ControlRefused as refused:
            error = {"code": refused.reason, "problem": str(refused), "remedy": refused.remedy}
            self._viewer.send_fields(id=number, ok=False, error=error)
        except (ControlUnavailable, EdgevoiceError) as lost:
            error = {"code": lost.code, "problem": str(lost), "remedy": lost.remedy}
            self._viewer.send_fields(id=number, ok=False, error=error)
        except Exception as fault:  # noqa: BLE001 - a browser that is not answered waits for ever, and says nothing
            # Not its text: it may hold what was said.
            place = traceback.extract_tb(fault.__traceback__)[-1]
            at = f"{Path(place.filename).name}:{place.lineno}"
            tell(_log, logging.ERROR, "page-failed", error=type(fault).__name__, at=at)
            error = {"code": "failed", "problem": "the page could not do it", "remedy": _LOOK}
            self._viewer.send_fields(id=number, ok=False, error=error)

    async def close(self) -> None:
        """End a pairing that this browser has begun: nobody is there to finish it."""
        if self._beginning is not None:
            # It left before the box said that it waits for the button.
            with contextlib.suppress(EdgevoiceError):
                self._pairing = str((await self._beginning)["pairing"])
        if self._pairing:
            # It is over, or the box is gone: as good.
            with contextlib.suppress(EdgevoiceError):
                await self._means.link.ask("pair", action="cancel", pairing=self._pairing)

    async def _carry_out(self, command: str, fields: Fields) -> Fields:
        match command:
            case _ if not self._viewer.may_ask():
                raise PageRefused("too-fast", "these are too many requests", "Wait a moment.")
            case "pair-begin":
                return await self._begin_pairing()
            case "pair-answer":
                return await self._answer_pairing(fields)
            case _ if not self.is_paired:
                raise PageRefused(_CODE_LAPSED, "this browser is not paired", "Pair it.")
            case _ if command in self._own:
                return await self._own[command](fields)
            case _ if command in BOX_COMMANDS:
                # Not what names the request: the link numbers its own.
                given = {
                    name: value for name, value in fields.items() if name not in {"command", "patience_s", "protocol"}
                }
                reply = await self._means.link.ask(command, **given)
                return {name: value for name, value in reply.items() if name not in {"id", "ok"}}
            case _:
                raise PageRefused("bad-request", "the page does not do that")

    # --- pairing ------------------------------------------------------------------------------------------------------

    async def _begin_pairing(self) -> Fields:
        self._beginning = asyncio.ensure_future(self._means.link.ask("pair", action="begin"))
        begun = await asyncio.shield(self._beginning)
        self._pairing, self._beginning = str(begun["pairing"]), None
        self._viewer.send_fields(event="pairing", state="waiting", seconds=begun["seconds"])
        spoken = await self._means.link.ask("pair", action="wait", pairing=self._pairing)
        return {"seconds": spoken["seconds"]}

    async def _answer_pairing(self, fields: Fields) -> Fields:
        digits = "".join(str(fields.get("digits", "")).split())[:16]
        try:
            await self._means.link.ask("pair", action="answer", pairing=self._pairing, digits=digits)
        except ControlRefused as refused:
            if refused.reason != "wrong-digits":
                self._pairing = ""
            raise
        self._pairing = ""
        return {"ticket": self._means.tickets.issue()}

    # --- settings -----------------------------------------------------------------------------------------------------

    async def _settings(self, _fields: Fields) -> Fields:
        return self._means.settings.shown()

    async def _check(self, fields: Fields) -> Fields:
        return {"faults": self._means.settings.check(_changes(fields))}

    async def _write(self, fields: Fields) -> Fields:
        try:
            await self._means.settings.write(_changes(fields))
        except ChangeRefused as refused:
            return {"faults": refused.faults}
        reply = await self._means.link.ask("reload")
        return {"faults": (), "remark": reply["remark"]}

    async def _forget(self, _fields: Fields) -> Fields:
        browser = self._means.pairings.find(self._cookie)
        if browser is not None:
            self._means.pairings.revoke(browser.number)
        return {}


def _read(message: str | bytes) -> Fields:
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise PageRefused("bad-request", "the message is no JSON object")
    return found


def _changes(fields: Fields) -> Fields:
    changes = fields.get("changes")
    if not isinstance(changes, dict):
        raise PageRefused("bad-request", "changes must be an object")
    return changes
