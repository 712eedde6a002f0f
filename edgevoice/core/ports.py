"""The sockets in the wall: what the engine needs of the world, each a small Protocol."""

from collections.abc import Callable
from typing import Protocol

from edgevoice.core.facts import Event, ToolCall
from edgevoice.core.notices import Notice
from edgevoice.core.orders import Earcon, Light

Report = Callable[[Event], None]
"""How an adapter hands a fact to the loop; only callable in the loop's thread."""


class Observer:
    """Sees everything that happens, and may run beside it; what a subclass does not override does nothing."""

    def observe(self, notice: Notice, now: float) -> None:
        """Take a notice, in the loop's thread; ``now`` is monotonic seconds. Must not block or raise."""

    async def run(self, report: Report) -> None:
        """Run in the loop until cancelled, and report facts; return at once where there is nothing to do."""


class Service(Protocol):
    """The far side of the wire. Every method returns at once; what comes of it is reported as facts."""

    def open(self, word: str, *, resumes: bool) -> None:
        """Dial and configure a session, as it is wanted for this wake word; empty for the button.

        One that ``resumes`` is told the last turns of the one before.
        """
        ...

    def close(self) -> None:
        """Hang up; facts of the old session are not reported any more."""
        ...

    def send_audio(self, pcm: bytes) -> None:
        """Send mono s16 samples at 24 kHz; dropped when no session is open."""
        ...

    def truncate(self, item_id: str, content_index: int, heard_ms: int) -> None:
        """Tell how much of an item was heard, in milliseconds."""
        ...

    def delete(self, item_id: str) -> None:
        """Take an item that nobody heard out of the conversation."""
        ...

    def extend(self, item_id: str, heard_ms: int | None) -> None:
        """Tell that more of an item was heard than was told before, all of it where ``heard_ms`` is ``None``."""
        ...

    def cancel(self, response_id: str) -> None:
        """Stop an answer that is still being generated."""
        ...

    def send_tool_output(self, call_id: str, output: str) -> None:
        """Give a tool's answer, JSON text."""
        ...

    def create_response(self, *, may_call_tools: bool) -> None:
        """Ask for an answer."""
        ...


class NearEnd(Protocol):
    """The microphone's side: one gate, told by the conversation when to open."""

    @property
    def position(self) -> int:
        """The number of near-end samples captured so far."""
        ...

    def keep(self, at_sample: int, *, has_preroll: bool) -> None:
        """Hold everything from ``at_sample``, or from the pre-roll before it, on, to be sent later."""
        ...

    def mark(self) -> None:
        """Remember that from about here on it is the user's turn."""
        ...

    def rewind(self) -> None:
        """Hold everything from the beginning of the user's turn on, though it was sent before."""
        ...

    def open(self) -> None:
        """Send what was held, then live."""
        ...

    def silence(self) -> None:
        """Send zeros in place of what is heard."""
        ...

    def close(self) -> None:
        """Send nothing."""
        ...

    def mute(self) -> None:
        """Drop everything at the door and forget what was held."""
        ...

    def unmute(self) -> None:
        """Hear again."""
        ...


class FarEnd(Protocol):
    """The speaker's side."""

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue mono s16 samples at 24 kHz; return the number of the playback burst that this begins, else ``None``."""
        ...

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        ...

    def finish(self) -> None:
        """Mark everything that is queued as completely received."""
        ...

    def cut(self, *, keeps_rest: bool) -> None:
        """Silence the answer; ``PlaybackCut`` is reported when the card has been given the last of it.

        What is played later is not ducked any more. One that ``keeps_rest`` keeps what was not heard, and adds to it
        what is queued later, until it is resumed or dropped.
        """
        ...

    def resume(self) -> int:
        """Go on with the rest that was kept, from the first sample that was not heard; return the burst's number."""
        ...

    def drop(self) -> None:
        """Forget the rest that was kept."""
        ...

    def play_backchannel(self, backchannel_id: str, pcm: bytes) -> bool:
        """Queue mono s16 samples at 24 kHz, to be heard quietly; say whether a backchannel begins with them.

        It is heard apart from the answers: in no burst, and in nobody's ``heard_ms``.
        """
        ...

    def finish_backchannel(self, backchannel_id: str) -> None:
        """Mark a backchannel as completely received."""
        ...

    def skip_backchannel(self, backchannel_id: str) -> None:
        """Play nothing of a backchannel any more: it began when it could not be heard."""
        ...

    def stop_backchannel(self) -> None:
        """Silence the backchannel that sounds; what still comes of it is not heard."""
        ...

    def duck(self) -> None:
        """Lower the answer while somebody may be speaking over it; nothing of it is left out."""
        ...

    def restore(self) -> None:
        """Bring it back to its volume."""
        ...

    def play_earcon(self, earcon: Earcon) -> None:
        """Mix a short sound over whatever plays."""
        ...

    def stop_earcons(self) -> None:
        """Silence the earcons."""
        ...


class Panel(Protocol):
    """Lights; buttons report by themselves."""

    def show(self, light: Light, reason: str = "") -> None:
        """Show a light; ``reason`` is a fault's code."""
        ...

    def close(self) -> None:
        """Turn everything off and let go of the pins."""
        ...


class Tools(Protocol):
    """Runs tools beside the audio."""

    def run(self, call: ToolCall) -> None:
        """Begin a call; ``ToolFinished`` is reported in any case, and in bounded time."""
        ...
