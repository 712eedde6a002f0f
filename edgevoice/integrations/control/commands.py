"""What each request does: facts for the conversation, as a button would report them, and questions about the box."""

import logging
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from edgevoice.control import messages
from edgevoice.control.messages import LONGEST_SOUND_S, SOUND_HZ, AnyRequest, ForOwner, Refused
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkHeld, TalkPressed, WakeRequested
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light
from edgevoice.core.panel_facts import BrightnessSet, EarconVolumeSet, MuteSwitched
from edgevoice.core.ports import Report
from edgevoice.errors import remedy_of
from edgevoice.integrations.control.live import LiveBox
from edgevoice.integrations.control.speaking import LONGEST_SOUND_BYTES, SpokenRequests
from edgevoice.integrations.control.view import BoxView
from edgevoice.journal import tell

_log = logging.getLogger(__name__)


Result = dict[str, Any] | Coroutine[Any, Any, dict[str, Any]]
"""The fields of a reply, or what they are awaited by if the box needs time."""


class Loudspeaker(Protocol):
    """Something with a volume of its answers and one of its earcons, 0 to 100 percent."""

    volume_percent: int
    earcon_percent: int


class DimmableLights(Protocol):
    """Lights with a brightness, 0 to 100 percent."""

    brightness_percent: int


class PersonaChooser(Protocol):
    """Who answers and with which voice, who could, and how to choose; each choice returns what is chosen then."""

    def choices(self) -> dict[str, Any]:
        """Return ``persona`` and ``personas``, ``voice`` and ``voices``."""
        ...

    def choose(self, name: str) -> Coroutine[Any, Any, dict[str, Any]]:
        """Choose a persona. Raises ``Refused``."""
        ...

    def speak_with(self, voice: str) -> Coroutine[Any, Any, dict[str, Any]]:
        """Choose a voice. Raises ``Refused``."""
        ...


@dataclass(frozen=True, slots=True)
class BoxHandles:
    """What the commands need of the box beside its conversation.

    ``version`` is the program's. ``position`` returns the newest near-end sample; ``reload`` reads the settings again
    and returns what a person should know about it; ``failures`` returns the last ones, newest first, as JSON objects.
    ``speaking`` says what programs want; ``None`` where nothing does. ``timers`` lists, sets and cancels timers and
    alarms. ``words`` are the wake words. ``may_unmute``: the settings let a program open the microphone. ``for_owner``
    does what only the box's owner asks for, and ``live`` samples what changes many times a second. ``lights`` are
    ``None`` where nothing can be dimmed, ``personas`` where there are none. ``is_heard_only``: earcons stand in for the
    lights.
    """

    version: str
    position: Callable[[], int]
    speaker: Loudspeaker
    reload: Callable[[], str]
    failures: Callable[[], Sequence[dict[str, Any]]] = list
    speaking: SpokenRequests | None = None
    timers: Callable[[str, dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]] | None = None
    words: Collection[str] = ()
    may_unmute: bool = False
    for_owner: Callable[[ForOwner], Coroutine[Any, Any, dict[str, Any]]] | None = None
    live: LiveBox | None = None
    lights: DimmableLights | None = None
    personas: PersonaChooser | None = None
    is_heard_only: bool = False


def no_personas() -> Refused:
    """Return the refusal of a box without personas: they are not enabled, or their file could not be opened."""
    remedy = "Set personas.enabled = true and restart the box; if it is set, journalctl -u edgevoice says what fails."
    return Refused("not-possible", "this box has no personas", remedy)


class Sounds:
    """The sound that a client has sent of its next announcement. All clients together may send 60 s (``shared``)."""

    def __init__(self, shared: "Allotment") -> None:
        self._shared = shared
        self._sound = bytearray()

    def add(self, pcm: bytes) -> float:
        """Add a piece, and return how many seconds there are. Raises ``Refused``."""
        if self._shared.used + len(pcm) > LONGEST_SOUND_BYTES:
            problem = f"an announcement may have {LONGEST_SOUND_S} s, and all programs together may send as much"
            raise Refused("sound-too-long", problem, "Send a shorter one.")
        self._shared.used += len(pcm)
        self._sound += pcm
        return len(self._sound) / 2 / SOUND_HZ

    def take(self) -> bytes:
        """Return all of it, and begin anew."""
        taken = bytes(self._sound)
        self._shared.used -= len(taken)
        self._sound.clear()
        return taken


class Allotment:
    """How many bytes of sound all clients have sent that nothing has announced yet."""

    used = 0


class Commands:
    """Carries out requests, in the loop's thread, at once. ``report`` takes facts, as from any adapter."""

    def __init__(self, box: BoxHandles, view: BoxView, report: Report) -> None:
        self._box = box
        self._view = view
        self._report = report

    def carry_out(self, request: AnyRequest, sounds: Sounds) -> Result:
        """Return the fields of the reply, or what they are awaited by. Raises ``Refused``.

        ``sounds`` is what this client has sent of the sound of its next announcement.
        """
        match request:
            case messages.SayText() | messages.AskQuestion() | messages.Announce():
                return self._speak(request, sounds)
            case messages.Timers(action=action, arguments=arguments):
                return self._timers(action, arguments)
            case messages.PersonasByHand() | messages.Pair() | messages.Examine():
                return self._for_owner(request)
            case messages.Snooze():
                self._note(request)
                if not self._view.is_ringing:
                    return self._timers("snooze", {})
                self._report(StopWordHeard(is_snooze=True))
            case messages.SetPersona() | messages.SetVoice():
                return self._persona(request)
            case messages.SetVolume() | messages.SetEarcons() | messages.SetBrightness():
                return self._level(request)
            case messages.SendSound(pcm=pcm):
                return {"seconds": sounds.add(pcm)}
            case messages.GetStatus() | messages.Watch():
                return self._status()
            case messages.Why(most=most):
                return {"failures": list(self._box.failures()[:most])}
            case messages.Reload():
                self._note(request)
                return {"remark": self._box.reload()}
            case messages.Wake(word=word):
                self._note(request)
                self._wake(word)
            case messages.Talk():
                self._note(request)
                self._talk()
            case messages.Stop():
                self._note(request)
                self._stop()
            case messages.HangUp():
                self._note(request)
                self._report(TalkHeld())
            case messages.Mute() | messages.Unmute():
                self._note(request)
                self._switch(mutes=isinstance(request, messages.Mute))
            case _:
                assert_never(request)
        return self._view.fields()

    def _speak(self, request: messages.Spoken, sounds: Sounds) -> Result:
        if self._box.speaking is None:
            raise Refused("not-possible", "this box cannot be made to speak", "Run it as the service.")
        self._note(request)
        sound = sounds.take() if isinstance(request, messages.Announce) else b""
        return self._box.speaking.carry_out(request, sound, is_deaf=self._view.is_muted)

    def _for_owner(self, request: ForOwner) -> Result:
        if self._box.for_owner is None:
            raise Refused("not-possible", "this box cannot do that", "Run it as the service.")
        self._note(request)
        return self._box.for_owner(request)

    def _timers(self, action: str, arguments: dict[str, Any]) -> Coroutine[Any, Any, dict[str, Any]]:
        if self._box.timers is None:
            raise Refused("not-possible", "this box has no timers", 'Enable tools.enabled = ["set_timer", …].')
        return self._box.timers(action, arguments)

    def _persona(self, request: messages.SetPersona | messages.SetVoice) -> Result:
        if self._box.personas is None:
            raise no_personas()
        if request.name is None:
            return self._box.personas.choices()
        self._note(request)
        if isinstance(request, messages.SetPersona):
            return self._box.personas.choose(request.name)
        return self._box.personas.speak_with(request.name)

    def _level(self, request: messages.Level) -> dict[str, Any]:
        match request:
            case messages.SetVolume():
                return self._volume(request)
            case messages.SetEarcons(percent=percent):
                return self._earcons(request, percent)
            case messages.SetBrightness(percent=percent):
                return self._brightness(request, percent)
            case _:
                assert_never(request)

    def _earcons(self, request: messages.SetEarcons, percent: int | None) -> dict[str, Any]:
        if percent is not None:
            if percent == 0 and self._box.is_heard_only:
                raise Refused(
                    "not-possible", "without lights, only the earcons say when it listens", "Choose 1 or more."
                )
            self._note(request)
            self._box.speaker.earcon_percent = percent
            self._report(EarconVolumeSet(percent))
        return {"earcon_percent": self._box.speaker.earcon_percent}

    def _brightness(self, request: messages.SetBrightness, percent: int | None) -> dict[str, Any]:
        if self._box.lights is None:
            raise Refused("not-possible", "this box has no lights that can be dimmed", "Set panel.kind and its pins.")
        if percent is not None:
            self._note(request)
            self._box.lights.brightness_percent = percent
            self._report(BrightnessSet(percent))
        return {"brightness_percent": self._box.lights.brightness_percent}

    def _status(self) -> dict[str, Any]:
        fields = self._view.fields()
        return {"version": self._box.version, **fields, "volume_percent": self._box.speaker.volume_percent}

    def _wake(self, word: str) -> None:
        if word and word not in self._box.words:
            there = ", ".join(self._box.words) or "none"
            raise Refused("unknown-word", f"there is no such wake word; there are: {there}", "Leave it out.")
        self._require_hearing()
        self._report(WakeRequested(word, self._box.position()))
        self._require_conversation()

    def _talk(self) -> None:
        begins = self._view.phase is Phase.IDLE and not (self._view.is_ringing or self._view.speaks_first)
        if begins:
            self._require_hearing()
        self._report(TalkPressed(self._box.position()))
        if begins:
            self._require_conversation()

    def _stop(self) -> None:
        if self._view.phase is Phase.IDLE:
            # Not the button: a question that is cut by it is followed by listening.
            if self._view.is_ringing or self._view.speaks_first:
                self._report(TalkHeld())
        elif self._view.is_ringing or self._view.phase in {Phase.THINKING, Phase.SPEAKING}:
            self._report(TalkPressed(self._box.position()))

    def _switch(self, *, mutes: bool) -> None:
        if not mutes and not self._box.may_unmute:
            raise Refused(
                "unmute-refused",
                "a program may not open the microphone",
                "Press the mute button, or set control.may_unmute = true.",
            )
        # Not a press of the button, which does the opposite if somebody has just pressed it.
        self._report(MuteSwitched(mutes))

    def _volume(self, request: messages.SetVolume) -> dict[str, Any]:
        if request.percent is not None and request.change is not None:
            raise Refused("bad-request", "give percent or change, not both")
        wanted = request.percent
        if request.change is not None:
            wanted = min(100, max(0, self._box.speaker.volume_percent + request.change))
        if wanted is not None:
            self._note(request)
            self._box.speaker.volume_percent = wanted
        return {"volume_percent": self._box.speaker.volume_percent}

    def _require_hearing(self) -> None:
        if self._view.is_muted:
            raise Refused("muted", "the microphone is muted", "Press the mute button.")

    def _require_conversation(self) -> None:
        if self._view.phase is Phase.IDLE:
            code = self._view.fault or "not-possible"
            why = meaning(Light.FAULT, code) if self._view.fault else "the box plays its trouble tone"
            raise Refused(code, f"no conversation begins: {why}", remedy_of(code))

    @staticmethod
    def _note(request: AnyRequest) -> None:
        tell(_log, logging.INFO, "control", command=str(request.__struct_config__.tag))
