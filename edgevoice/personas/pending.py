"""When a change that was asked for takes effect: once the answer that announces it has been heard. Pure.

A model that is told to be a pirate calls a tool and then says so, still in its old voice. The change follows that
answer, not the tool: at the last sample that the card was given, or at once when the answer is interrupted.
"""

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut, PlaybackDrained, PlaybackStarted, ResponseEnded, ResponseStarted
from edgevoice.core.notices import Notice, PhaseEntered


class PendingChange:
    """Follows the notices of a conversation; tells when a change that waits is due."""

    def __init__(self) -> None:
        self._is_answering = False
        self._is_sounding = False
        self._waits = False
        self._response_id = ""
        self._is_received = False
        self._generated = ""

    @property
    def is_awaited(self) -> bool:
        """Whether an answer is on its way or sounding, so that a change made now waits for it."""
        return self._is_answering

    def wait(self) -> None:
        """Wait for the answer that announces a change which has just been made."""
        self._waits, self._response_id, self._is_received = True, "", False

    def take(self, notice: Notice) -> bool:
        """Take a notice; return whether the change that waits is due now."""
        match notice:
            case PhaseEntered(phase=phase):
                self._is_answering = phase in {Phase.THINKING, Phase.SPEAKING}
                # Interrupted, or over without an announcement.
                return self._settled(is_due=phase is Phase.LISTENING, is_over=phase in {Phase.IDLE, Phase.CONNECTING})
            case PlaybackStarted():
                self._is_sounding = True
            case PlaybackDrained():
                self._is_sounding = False
            case PlaybackCut():
                self._is_sounding = False
                return self._settled(is_due=True)
            case ResponseStarted(response_id=response_id):
                self._generated = response_id
                self._response_id = self._response_id or response_id
            case ResponseEnded(response_id=response_id, has_audio=has_audio):
                self._end(response_id, has_audio=has_audio)
            case _:
                return False
        # While another answer is generated, a service may refuse the change, or speak that answer in two voices.
        return self._settled(is_due=self._is_received and not self._is_sounding and not self._generated)

    def _end(self, response_id: str, *, has_audio: bool) -> None:
        if response_id == self._generated:
            self._generated = ""
        if response_id == self._response_id:
            # One without a sound announces nothing: it calls further tools, or failed.
            self._response_id = response_id if has_audio else ""
            self._is_received = has_audio

    def _settled(self, *, is_due: bool, is_over: bool = False) -> bool:
        was_waiting, self._waits = self._waits, self._waits and not (is_due or is_over)
        return is_due and was_waiting
