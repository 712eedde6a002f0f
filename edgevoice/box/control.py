"""The box's own control socket: connects what programs ask for to its parts."""

import time
from collections.abc import Callable
from dataclasses import asdict

from edgevoice import __version__
from edgevoice.box.assembly import Parts
from edgevoice.box.context import BoxContext
from edgevoice.box.live_box import SampledBox
from edgevoice.box.owner_requests import OwnerRequests, examination_of
from edgevoice.box.pairing import Pairing
from edgevoice.box.persona_choice import persona_choice
from edgevoice.box.presses import Presses
from edgevoice.box.quiet_hours import is_quiet, until_quiet_hours_end
from edgevoice.box.service_speech import ServiceSpeech
from edgevoice.box.speech import Speech
from edgevoice.box.timers_by_hand import TimersByHand
from edgevoice.control.messages import SayText
from edgevoice.control.place import ControlPlace
from edgevoice.core.ports import Observer
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.server import ControlSocket
from edgevoice.integrations.control.speaking import SpokenRequests
from edgevoice.integrations.control.view import FollowedBox
from edgevoice.integrations.guest import Guest
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Lights
from edgevoice.settings.schema import Settings
from edgevoice.wakeword.words import wake_words
from edgevoice.wall_clock import local_now


def speech_of(settings: Settings, context: BoxContext, parts: Parts) -> Speech | ServiceSpeech:
    """Return what speaks for programs: the local voice where it is installed, else the service."""
    if parts.announcements.speech is not None:
        return parts.announcements.speech
    live = context.live
    return ServiceSpeech(
        context.dial, lambda: live.service if live is not None else settings.service, context.storage.minutes
    )


def _owner_requests(context: BoxContext, spoken: SpokenRequests, presses: Presses) -> OwnerRequests:
    async def say(text: str) -> None:
        await spoken.carry_out(SayText(text=text, chime=True), b"", is_deaf=False)

    speaking = context.storage.speaking
    return OwnerRequests(
        lambda: speaking.personas if speaking is not None else None,
        Pairing(say, presses, time.monotonic),
        examination_of(context.storage.settings_file),
    )


def open_control(handles: BoxHandles, place: ControlPlace, followed: FollowedBox) -> Observer:
    """Return the control socket as a guest of the box; it opens when it runs."""
    return Guest("control", lambda: ControlSocket(place.path, handles, group=place.group, view=followed.view.copy()))


def handles_of(
    settings: Settings, context: BoxContext, parts: Parts, reload: Callable[[], str], presses: Presses
) -> BoxHandles:
    """Return what programs may do with the box: the same, whichever way they reach it."""
    recorder = context.storage.failures
    spoken = SpokenRequests(
        parts.announcements,
        speech_of(settings, context, parts).say,
        lambda: is_quiet(settings.quiet, local_now()),
        lambda: until_quiet_hours_end(settings.quiet, local_now),
    )
    panel = parts.engine.panel.beside if isinstance(parts.engine.panel, HeardPanel) else parts.engine.panel
    lights = panel if isinstance(panel, Lights) else None
    return BoxHandles(
        version=__version__,
        position=lambda: parts.microphone.position,
        speaker=parts.speaker,
        reload=reload,
        failures=lambda: [asdict(each) for each in recorder.failures] if recorder is not None else [],
        speaking=spoken,
        timers=TimersByHand(parts.alarms).carry_out,
        words=[word.name for word in wake_words(settings.wakeword)] if context.wants_wakeword else [],
        may_unmute=settings.control.may_unmute,
        for_owner=_owner_requests(context, spoken, presses).carry_out,
        live=SampledBox(parts.engine.panel, parts.microphone, parts.detector),
        lights=lights,
        personas=persona_choice(settings, context),
        is_heard_only=isinstance(parts.engine.panel, HeardPanel) and lights is None,
    )
