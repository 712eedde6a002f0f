"""Ports: the interfaces the engine needs, each a small Protocol."""

from collections.abc import Callable, Collection
from typing import Protocol

from edgevoice.core.facts import Event, ToolCall
from edgevoice.core.notices import Notice
from edgevoice.core.orders import Earcon, Light

Report = Callable[[Event], None]
"""Hands a fact from an adapter to the loop; may only be called in the loop's thread."""


class Observer:
    """Sees everything that happens, and may run beside it; methods that a subclass does not override do nothing."""

    def observe(self, notice: Notice, now: float) -> None:
        """Take a notice, in the loop's thread; ``now`` is monotonic seconds. Must not block or raise."""

    async def run(self, report: Report) -> None:
        """Run in the loop until cancelled, and report facts; return at once if there is nothing to do."""


class Service(Protocol):
    """The far side of the wire. Every method returns at once; the outcome is reported as facts."""

    def open(self, word: str, *, resumes: bool) -> None:
        """Dial and configure a session as this wake word needs it; an empty word stands for the button.

        If it ``resumes``, the service is sent the last turns of the session before.
        """
        ...

    def close(self) -> None:
        """Hang up; facts of the old session are no longer reported."""
        ...

    def send_audio(self, pcm: bytes) -> None:
        """Send mono s16 samples at 24 kHz; dropped when no session is open."""
        ...

    def truncate(self, item_id: str, content_index: int, heard_ms: int) -> None:
        """Report how much of an item was heard, in milliseconds."""
        ...

    def delete(self, item_id: str) -> None:
        """Remove an item that was not heard from the conversation."""
        ...

    def extend(self, item_id: str, heard_ms: int | None) -> None:
        """Report that more of an item was heard than reported before; ``None`` stands for all of it."""
        ...

    def cancel(self, response_id: str) -> None:
        """Stop an answer that is still being generated."""
        ...

    def send_tool_output(self, call_id: str, output: str) -> None:
        """Send a tool's output, JSON text."""
        ...

    def add_note(self, text: str) -> None:
        """Add a message to the conversation that neither side has said."""
        ...

    def create_response(self, *, may_call_tools: bool, instructions: str = "") -> None:
        """Ask for an answer; ``instructions`` stand for the session's own in this one answer."""
        ...


class NearEnd(Protocol):
    """The microphone's side: one gate, which the conversation opens and closes."""

    @property
    def position(self) -> int:
        """The number of near-end samples captured so far."""
        ...

    def keep(self, at_sample: int, *, has_preroll: bool) -> None:
        """Hold everything from ``at_sample`` on, or from the pre-roll before it, to be sent later."""
        ...

    def mark(self) -> None:
        """Mark this moment, roughly, as the beginning of the user's turn."""
        ...

    def rewind(self) -> None:
        """Hold everything from the beginning of the user's turn, though it was sent before."""
        ...

    def open(self) -> None:
        """Send what was held, then live audio."""
        ...

    def silence(self) -> None:
        """Send zeros instead of what is heard."""
        ...

    def close(self) -> None:
        """Send nothing."""
        ...

    def mute(self) -> None:
        """Drop all input, and clear what was held."""
        ...

    def unmute(self) -> None:
        """Accept input again."""
        ...


class FarEnd(Protocol):
    """The speaker's side."""

    def play(self, item_id: str, content_index: int, pcm: bytes) -> int | None:
        """Queue mono s16 samples at 24 kHz; return the number of the playback burst that they begin, else ``None``."""
        ...

    def finish_item(self, item_id: str) -> None:
        """Mark an item as completely received."""
        ...

    def finish(self) -> None:
        """Mark everything that is queued as completely received."""
        ...

    def cut(self, *, keeps_rest: bool) -> None:
        """Silence the answer; ``PlaybackCut`` is reported when the card has been given the last of it.

        Audio played later is not ducked. With ``keeps_rest``, what was not heard is kept, and audio queued later is
        added to it, until it is resumed or dropped.
        """
        ...

    def resume(self) -> int:
        """Resume the rest that was kept, from the first sample that was not heard; return the burst's number."""
        ...

    def drop(self) -> None:
        """Drop the rest that was kept."""
        ...

    def play_backchannel(self, backchannel_id: str, pcm: bytes) -> bool:
        """Queue mono s16 samples at 24 kHz for quiet playback; return whether a backchannel begins with them.

        It is played apart from the answers: it belongs to no burst and counts in no ``heard_ms``.
        """
        ...

    def finish_backchannel(self, backchannel_id: str) -> None:
        """Mark a backchannel as completely received."""
        ...

    def skip_backchannel(self, backchannel_id: str) -> None:
        """Stop playing a backchannel that began when it could not be heard."""
        ...

    def stop_backchannel(self) -> None:
        """Silence the backchannel that is sounding; the rest of it is not played."""
        ...

    def duck(self) -> None:
        """Lower the answer while somebody may be speaking over it; none of it is skipped."""
        ...

    def restore(self) -> None:
        """Bring the answer back to its normal volume."""
        ...

    def change_volume(self, percent: int) -> None:
        """Change the volume of the answers by this many percent, from 0 to 100, and sound how loud that is."""
        ...

    def play_earcon(self, earcon: Earcon) -> None:
        """Mix a short sound over whatever plays."""
        ...

    def stop_earcons(self) -> None:
        """Silence the earcons."""
        ...

    def play_ring(self, clip_id: str, gain_db: float) -> None:
        """Sound the alarm earcon and then this clip, if there is one, ``gain_db`` softer than a ring's full volume.

        ``ClipPlayed`` is reported when the card has been given the last of it.
        """
        ...

    def play_clip(self, clip_id: str, *, has_chime: bool) -> None:
        """Sound a clip, as loud as an answer; ``ClipPlayed`` is reported when the card has been given the last of it.

        An id that is not known is a clip without a sound.
        """
        ...

    def cut_clip(self) -> None:
        """Silence the ring or the clip; ``ClipCut`` is reported when the card has been given the last of it."""
        ...


class Panel(Protocol):
    """Lights; buttons report by themselves."""

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        """Show a light; ``reason`` is a fault's code, and ``level``, 0 to 1, the volume if the light shows that."""
        ...

    def close(self) -> None:
        """Turn everything off and release the pins."""
        ...


class Tools(Protocol):
    """Runs tools beside the audio."""

    def run(self, call: ToolCall) -> None:
        """Begin a call; ``ToolFinished`` is always reported, within a bounded time."""
        ...

    def abandon(self, call_ids: Collection[str]) -> None:
        """Let calls know that nobody waits for their results; ``ToolFinished`` is reported nevertheless."""
        ...
