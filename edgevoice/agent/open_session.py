"""The session that is open: what it was configured with, and what the service no longer changes in it. Pure."""

from copy import deepcopy
from typing import Any, Final

from edgevoice.core.notices import AudioReceived, Notice
from edgevoice.realtime.session import changes_of

Json = dict[str, Any]

_FOLLOW: Final = ("model", "instructions", "tools", "audio")
"""What may change in mid-session; the service's own notes, for example, are only handed back when one begins."""


class OpenSession:
    """The configuration of the session that is open or being opened.

    OpenAI's protocol keeps the model of a session, the voice once it has spoken, and the speed while it answers, and
    refuses every change that is sent together with another one of these. ``owes_speed``: a speed waits for the end of
    an answer.
    """

    def __init__(self) -> None:
        self._sent: Json = {}
        self._has_spoken = False
        self._refused: Json = {}
        self.owes_speed = False

    def begin(self, session: Json) -> Json:
        """Return the configuration with which a new session begins."""
        self._sent, self._has_spoken, self._refused, self.owes_speed = session, False, {}, False
        return session

    def take(self, notice: Notice) -> None:
        """Take a notice of the conversation."""
        self._has_spoken = self._has_spoken or isinstance(notice, AudioReceived)

    def changes(self, wanted: Json, dialect: str, *, is_free: bool = True) -> tuple[Json, tuple[str, ...]]:
        """Return what to send so that the session is as ``wanted``, and the names of what has to stay as it was.

        A name is given once for each value that is refused, and not with every other change after it. ``is_free``: no
        answer is being generated.
        """
        if not self._sent:
            return {}, ()
        refused: Json = {}
        now = {**self._sent, **deepcopy({name: wanted[name] for name in _FOLLOW})}
        if dialect == "openai":
            if now["model"] != self._sent["model"]:
                refused["model"] = now["model"]
                now["model"] = self._sent["model"]
            output, before = now["audio"]["output"], self._sent["audio"]["output"]
            if self._has_spoken and output["voice"] != before["voice"]:
                refused["voice"] = output["voice"]
                output["voice"] = before["voice"]
            self.owes_speed = not is_free and output["speed"] != before["speed"]
            if self.owes_speed:
                output["speed"] = before["speed"]
        changes = changes_of(self._sent, now)
        self._sent, before_refused, self._refused = now, self._refused, refused
        return changes, tuple(name for name, value in refused.items() if before_refused.get(name) != value)
