"""The box's own control socket: connects what programs ask for to its parts."""

from collections.abc import Callable
from dataclasses import asdict

from edgevoice import __version__
from edgevoice.box.assembly import Parts
from edgevoice.box.context import BoxContext
from edgevoice.box.service_speech import ServiceSpeech
from edgevoice.box.speech import Speech, has_voice
from edgevoice.control.place import ControlPlace
from edgevoice.core.ports import Observer
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.server import ControlSocket
from edgevoice.integrations.control.speaking import SpokenRequests
from edgevoice.integrations.guest import Guest
from edgevoice.settings.schema import Settings
from edgevoice.wakeword.words import wake_words


def speech_of(settings: Settings, context: BoxContext) -> Speech | ServiceSpeech:
    """Return what speaks for programs: the local voice where it is installed, else the service."""
    if has_voice():
        return Speech()
    live = context.live
    return ServiceSpeech(context.dial, lambda: live.service if live is not None else settings.service)


async def _no_quiet_hours() -> None:
    """Do not wait."""


def open_control(
    settings: Settings, context: BoxContext, parts: Parts, place: ControlPlace, reload: Callable[[], str]
) -> Observer:
    """Return the control socket as a guest of the box; it opens when it runs."""
    recorder = context.storage.failures
    handles = BoxHandles(
        version=__version__,
        position=lambda: parts.microphone.position,
        speaker=parts.speaker,
        reload=reload,
        failures=lambda: [asdict(each) for each in recorder.failures] if recorder is not None else [],
        speaking=SpokenRequests(parts.announcements, speech_of(settings, context).say, lambda: False, _no_quiet_hours),
        words=[word.name for word in wake_words(settings.wakeword)] if context.wants_wakeword else [],
        may_unmute=settings.control.may_unmute,
    )
    return Guest("control", lambda: ControlSocket(place.path, handles, group=place.group))
