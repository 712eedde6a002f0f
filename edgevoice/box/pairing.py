"""Pairing: lets a browser in whose user stands beside the box. A press of the talk button, then six spoken digits.

The digits are known to this module and to the room, and to no other program: the page only passes on what was typed.
One pairing at a time; two minutes; five tries.
"""

import asyncio
import hmac
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from edgevoice.box.presses import Presses
from edgevoice.control.messages import Pair, Refused

WINDOW_S: Final = 120.0
TRIES: Final = 5
DIGITS: Final = 6

_MOST_IN_VAIN: Final = 3
_IN_VAIN_S: Final = 600.0
"""So many pairings may end in vain within this time; else somebody could keep taking the talk button away."""

_GONE: Final = "Begin again: the button for it is on the page."


@dataclass(eq=False)
class _Attempt:
    """A pairing that has begun; ``over`` is set when it has ended, ``spoken`` when the digits were said."""

    until_s: float
    pairing: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    digits: str = ""
    tries: int = TRIES
    spoken: asyncio.Event = field(default_factory=asyncio.Event)
    problem: Refused | None = None
    speaking: asyncio.Task[None] | None = None


class Pairing:
    """Carries out requests for pairing, in the loop. ``say`` speaks a text, and raises ``Refused`` if it cannot.

    ``clock`` gives monotonic seconds, ``choose`` a number from 0 to below its argument.
    """

    def __init__(
        self,
        say: Callable[[str], Awaitable[None]],
        presses: Presses,
        clock: Callable[[], float],
        choose: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._say = say
        self._presses = presses
        self._clock = clock
        self._choose = choose
        self._now: _Attempt | None = None
        self._in_vain: deque[float] = deque(maxlen=_MOST_IN_VAIN)

    async def carry_out(self, request: Pair) -> dict[str, Any]:
        """Return the fields of the reply. Raises ``Refused``."""
        match request.action:
            case "begin":
                return self._begin()
            case "press":
                self._require_waiting()
                self._presses.give_next_to(None)
                self._pressed()
                return {}
            case "wait":
                return await self._wait(self._named(request.pairing))
            case "answer":
                return self._answer(self._named(request.pairing), request.digits)
            case "cancel":
                self._end(self._named(request.pairing))
                return {}

    # --- its steps ----------------------------------------------------------------------------------------------------

    def _begin(self) -> dict[str, Any]:
        now = self._clock()
        self._drop_expired(now)
        if self._now is not None:
            raise Refused("too-many", "another browser is being paired", "Wait two minutes, then begin again.")
        if len(self._in_vain) == _MOST_IN_VAIN and now - self._in_vain[0] < _IN_VAIN_S:
            raise Refused("too-many", "three pairings have ended in vain", "Wait ten minutes, then begin again.")
        self._now = _Attempt(now + WINDOW_S)
        self._presses.give_next_to(self._pressed)
        return {"pairing": self._now.pairing, "seconds": round(WINDOW_S)}

    def _pressed(self) -> None:
        """Choose the digits, and begin to say them."""
        attempt = self._now
        if attempt is not None and not attempt.digits:
            attempt.digits = f"{self._choose(10**DIGITS):0{DIGITS}}"
            attempt.speaking = asyncio.get_running_loop().create_task(self._speak(attempt), name="pairing")

    async def _speak(self, attempt: _Attempt) -> None:
        digits = ", ".join(attempt.digits)
        try:
            await self._say(f"The digits for the page are: {digits}. Once more: {digits}.")
        except Refused as refused:
            attempt.problem = refused
            self._end(attempt)
        attempt.spoken.set()

    async def _wait(self, attempt: _Attempt) -> dict[str, Any]:
        """Wait until the button was pressed and the digits were said."""
        try:
            async with asyncio.timeout(max(0.0, attempt.until_s - self._clock())):
                await attempt.spoken.wait()
        except TimeoutError:
            self._end(attempt)
            raise Refused("no-pairing", "two minutes are over", _GONE) from None
        if attempt.problem is not None:
            raise attempt.problem
        return {"seconds": round(max(0.0, attempt.until_s - self._clock()))}

    def _answer(self, attempt: _Attempt, digits: str) -> dict[str, Any]:
        if not attempt.digits:
            raise Refused(
                "no-pairing", "the talk button has not been pressed", "Press it; the box then says six digits."
            )
        attempt.tries -= 1
        if hmac.compare_digest(digits.encode(), attempt.digits.encode()):
            self._forget(attempt)
            self._in_vain.clear()
            return {"paired": True}
        if attempt.tries == 0:
            self._end(attempt)
            raise Refused("no-pairing", f"these were {TRIES} wrong tries", _GONE)
        raise Refused("wrong-digits", f"these are not the digits; {attempt.tries} tries are left", "Listen again.")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _require_waiting(self) -> None:
        self._drop_expired(self._clock())
        if self._now is None or self._now.digits:
            raise Refused("no-pairing", "no browser waits to be paired", "Open the page in it, and begin there.")

    def _named(self, pairing: str) -> _Attempt:
        self._drop_expired(self._clock())
        if self._now is None or not hmac.compare_digest(self._now.pairing.encode(), pairing.encode()):
            raise Refused("no-pairing", "there is no such pairing, or it is over", _GONE)
        return self._now

    def _drop_expired(self, now: float) -> None:
        if self._now is not None and now >= self._now.until_s:
            self._end(self._now)

    def _end(self, attempt: _Attempt) -> None:
        """End an attempt in vain."""
        if attempt is self._now:
            self._in_vain.append(self._clock())
            self._forget(attempt)

    def _forget(self, attempt: _Attempt) -> None:
        self._now = None
        self._presses.give_next_to(None)
        if not attempt.spoken.is_set():
            # Whoever waits need not wait for the end of the window.
            attempt.problem = attempt.problem or Refused("no-pairing", "this pairing was called off", _GONE)
            attempt.spoken.set()
        if attempt.speaking is not None and attempt.speaking is not asyncio.current_task():
            attempt.speaking.cancel()
