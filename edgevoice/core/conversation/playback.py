"""Playback: what the room hears of the answer: its bursts, its pauses and its echo. Pure."""

from enum import StrEnum

from edgevoice.core.conversation.tables import after


class PlaybackState(StrEnum):
    """What the room hears of the answer."""

    SILENT = "silent"
    SOUNDING = "sounding"
    DUCKED = "ducked"
    PAUSED = "paused"
    ECHO_OF_PART = "echo of a part"
    ECHO_OF_END = "echo of the end"


class PlaybackCause(StrEnum):
    """Why that changes; the diagram in the documentation shows these words."""

    STARTED = "playback started"
    DUCKED = "near speech began"
    RESTORED = "near speech faded"
    DRAINED = "playback drained"
    ECHOED = "the room still sounds"
    ECHO_OVER = "echo over"
    SILENCED = "cut or over"
    TAKEN_UP = "resumed"


TRANSITIONS: dict[tuple[PlaybackState, PlaybackCause], PlaybackState] = {
    (PlaybackState.SILENT, PlaybackCause.STARTED): PlaybackState.SOUNDING,
    (PlaybackState.PAUSED, PlaybackCause.STARTED): PlaybackState.SOUNDING,
    (PlaybackState.ECHO_OF_PART, PlaybackCause.STARTED): PlaybackState.SOUNDING,
    (PlaybackState.ECHO_OF_END, PlaybackCause.STARTED): PlaybackState.SOUNDING,
    (PlaybackState.SOUNDING, PlaybackCause.DUCKED): PlaybackState.DUCKED,
    (PlaybackState.DUCKED, PlaybackCause.RESTORED): PlaybackState.SOUNDING,
    (PlaybackState.SOUNDING, PlaybackCause.DRAINED): PlaybackState.PAUSED,
    (PlaybackState.SOUNDING, PlaybackCause.SILENCED): PlaybackState.SILENT,
    (PlaybackState.DUCKED, PlaybackCause.SILENCED): PlaybackState.SILENT,
    (PlaybackState.PAUSED, PlaybackCause.SILENCED): PlaybackState.SILENT,
    (PlaybackState.PAUSED, PlaybackCause.ECHOED): PlaybackState.ECHO_OF_PART,
    (PlaybackState.SILENT, PlaybackCause.ECHOED): PlaybackState.ECHO_OF_END,
    (PlaybackState.ECHO_OF_PART, PlaybackCause.SILENCED): PlaybackState.ECHO_OF_END,
    (PlaybackState.ECHO_OF_PART, PlaybackCause.ECHO_OVER): PlaybackState.PAUSED,
    (PlaybackState.ECHO_OF_END, PlaybackCause.ECHO_OVER): PlaybackState.SILENT,
    (PlaybackState.SILENT, PlaybackCause.TAKEN_UP): PlaybackState.PAUSED,
}

_SOUNDING = (PlaybackState.SOUNDING, PlaybackState.DUCKED)
_ECHOING = (PlaybackState.ECHO_OF_PART, PlaybackState.ECHO_OF_END)


class Playback:
    """The stretch of playback that is sounding, the ``burst``, and who may be speaking over it.

    ``fence``: the one response whose audio may be heard.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Return to the initial state."""
        self.state = PlaybackState.SILENT
        self.fence: str | None = None
        self._near_speech_at: int | None = None
        self._burst = 0

    @property
    def is_sounding(self) -> bool:
        """Whether playback is active: this, and not an open response, is what makes speech a barge-in."""
        return self.state in _SOUNDING

    @property
    def is_echoing(self) -> bool:
        """Whether playback is over for now while its echo still sounds in the room."""
        return self.state in _ECHOING

    @property
    def has_sounded(self) -> bool:
        """Whether part of the answer, but not all of it, has been heard."""
        return self.state not in {PlaybackState.SILENT, PlaybackState.ECHO_OF_END}

    def admits(self, response_id: str) -> bool:
        """Return whether audio of this response may be heard."""
        return self.fence == response_id

    def sounds(self, burst: int) -> bool:
        """Return whether this burst is sounding."""
        return self.is_sounding and burst == self._burst

    def admit(self, response_id: str) -> None:
        """Open the fence for a response that begins."""
        self.fence = response_id

    def start(self, burst: int) -> None:
        """Record that a burst is sounding."""
        self._burst = burst
        self._go(PlaybackCause.STARTED)

    def duck(self, at_sample: int) -> bool:
        """Record that somebody may be speaking over the answer; return whether to lower the answer for that."""
        self._near_speech_at = at_sample
        return self._go(PlaybackCause.DUCKED)

    def take_near_speech(self) -> int | None:
        """Return a near-end sample from before somebody began to speak over the answer, and clear it."""
        at_sample, self._near_speech_at = self._near_speech_at, None
        return at_sample

    def restore(self) -> bool:
        """Record that the answer is back at its volume; return whether it had been lowered."""
        return self._go(PlaybackCause.RESTORED)

    def drain(self) -> None:
        """Record that everything queued has been played."""
        self._go(PlaybackCause.DRAINED)

    def echo(self) -> None:
        """Record that the echo still sounds in the room."""
        self._go(PlaybackCause.ECHOED)

    def end_echo(self) -> None:
        """Record that the room is quiet."""
        self._go(PlaybackCause.ECHO_OVER)

    def finish(self) -> None:
        """Record that all of the answer has been heard, though the fence stays open."""
        self._go(PlaybackCause.SILENCED)

    def silence(self) -> None:
        """Close the fence: audio of this answer that still arrives is too late."""
        self.fence = None
        self._go(PlaybackCause.SILENCED)

    def take_up(self, response_id: str) -> None:
        """Reopen the fence for an answer that was cut after part of it had been heard."""
        self.fence = response_id
        self._go(PlaybackCause.TAKEN_UP)

    def _go(self, cause: PlaybackCause) -> bool:
        before, self.state = self.state, after(TRANSITIONS, self.state, cause)
        return self.state is not before
