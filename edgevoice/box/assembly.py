"""Assembly: builds the adapters, each from its own section of the settings, and connects them to the engine.

Opens no sound card and no socket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from edgevoice.agent.mailbox import Mailbox
from edgevoice.agent.speech_models import MODELS
from edgevoice.agent.wiring import Ends, Toolset, wire
from edgevoice.alarms.keeper import Keeper, NoVoice, RingVoice
from edgevoice.alarms.tools import AlarmTools
from edgevoice.audio.hardware_mute import HardwareMute
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.opening import open_near_end, open_speaker, open_supervisor
from edgevoice.audio.ring import FarEndListener
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.supervisor import Supervisor
from edgevoice.audio.uplink import Uplink
from edgevoice.box.announcements import Announcements
from edgevoice.box.context import BoxContext, Storage, persona_tools
from edgevoice.box.quiet_hours import until_quiet_hours_end
from edgevoice.box.ring_names import RingNames
from edgevoice.box.session_configuration import SessionConfiguration
from edgevoice.box.speech import Samples, Speech, has_voice
from edgevoice.box.word_fit import wake_word_fit
from edgevoice.core.announcements import AnnouncementOutcome, Priority
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.panel_facts import VolumeChanged
from edgevoice.core.ports import Panel, Report
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.opening import open_echo
from edgevoice.echo.tier_choice import choose
from edgevoice.echo.tiers import EchoPath, Tier
from edgevoice.engine import Engine
from edgevoice.panel.audible import HeardPanel
from edgevoice.realtime.link import Link
from edgevoice.settings.schema import Settings
from edgevoice.tools.built_in import built_in
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.reasons import Reasons, nothing_failed
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from edgevoice.tools.tool import ToolSource
from edgevoice.tools.volume import Volume
from edgevoice.wakeword.detector import Detector
from edgevoice.wakeword.opening import open_detector
from edgevoice.wakeword.words import WakeWord, wake_words
from edgevoice.wall_clock import local_now

if TYPE_CHECKING:
    from edgevoice.memory.remembering import Remembering
    from edgevoice.personas.speaking import SpeakingPersona


@dataclass(frozen=True, slots=True)
class Parts:
    """The assembled box; nothing in it runs yet.

    ``detector`` is absent if only the button wakes the box, ``echo`` if nothing keeps the box from hearing itself.
    """

    mailbox: Mailbox
    engine: Engine
    microphone: Microphone
    uplink: Uplink
    speaker: Speaker
    supervisor: Supervisor
    link: Link
    session: SessionConfiguration
    tools: ToolRunner
    announcements: Announcements
    alarms: Keeper
    detector: Detector | None
    echo: EchoPath | None

    @property
    def xruns(self) -> int:
        """How often either half of the sound system lost audio since the box was started."""
        return self.microphone.overflows + self.speaker.underflows

    async def listening(self) -> None:
        """Wait until the wake word is loaded, if there is one: loading it starves the audio callbacks."""
        if self.detector is not None:
            await self.detector.loaded.wait()


def assemble(settings: Settings, context: BoxContext, panel: Panel, *, amplifier: HardwareMute | None = None) -> Parts:
    """Build everything that needs no device; call it in the loop. Raises ``WakeWordUnavailable``.

    ``amplifier`` is muted with each cut.
    """
    mailbox = Mailbox()
    storage = context.storage
    words = wake_words(settings.wakeword) if context.wants_wakeword else ()
    near, far = ClockFit(NEAR_END_HZ), ClockFit(FAR_END_HZ)
    tier, echo = open_echo(choose(settings, storage.record), near, far, mailbox.post, MODELS)
    reference = echo.reference if echo is not None else None
    speaker = _speaker(settings, storage, mailbox, far, reference, amplifier)
    _set_earcons(speaker, panel, storage)
    detector = _detector(settings, words, storage, mailbox, speaker, echo)
    announcements = Announcements(speaker, mailbox.report, Speech() if has_voice() else None)
    alarms = _alarms(settings, context, speaker, detector, announcements)
    registry = _registry(settings, context, speaker, mailbox, alarms)
    link, session = _link(settings, context, words, registry, mailbox, announcements)
    microphone, uplink = open_near_end(
        settings.microphone,
        near,
        echo=echo.stage if echo is not None else None,
        hear=detector.hear if detector is not None else None,
        send=link.send_audio,
        watch=mailbox.notify,
        call=mailbox.call,
        is_over_an_answer=lambda: not speaker.is_silent,
    )
    supervisor = open_supervisor(
        settings.microphone,
        settings.speaker,
        microphone,
        speaker,
        mailbox.report,
        cards=storage.cards,
        is_hurried=lambda: not (uplink.is_closed and speaker.is_silent),
    )
    toolset = Toolset(registry, limits_of(settings), settings.service.language)
    ends = Ends(uplink, speaker, panel)
    wired = wire(mailbox, link, ends, toolset, policy_of(settings, tier), stall_s=settings.watchdog.stall_s)
    ways = (link, session, wired.tools, announcements, alarms)
    return Parts(mailbox, wired.engine, microphone, uplink, speaker, supervisor, *ways, detector, echo)


def _detector(
    settings: Settings,
    words: Sequence[WakeWord],
    storage: Storage,
    mailbox: Mailbox,
    speaker: Speaker,
    echo: EchoPath | None,
) -> Detector | None:
    """Return what hears the wake words, told from the box's own voice as far as there is an echo path."""
    return open_detector(
        settings.wakeword,
        words,
        mailbox.post,
        is_speaking=lambda: not speaker.is_silent,
        near_misses=storage.near_misses,
        far_end=echo.stage.give_far_end if echo is not None else None,
        clear=echo.postfilter.clear if echo is not None and echo.postfilter is not None else None,
        load_fit=wake_word_fit,
    )


def _speaker(
    settings: Settings,
    storage: Storage,
    mailbox: Mailbox,
    clock: ClockFit,
    reference: FarEndListener | None,
    amplifier: HardwareMute | None,
) -> Speaker:
    """Return the far end, as loud as it was last."""
    kept, far = storage.kept_panel, settings.speaker
    return open_speaker(
        far if kept is None else structs.replace(far, volume_percent=kept.levels.volume),
        mailbox.post,
        clock,
        reference=reference,
        amplifier=amplifier,
        volume_changed=lambda percent: mailbox.post(VolumeChanged(percent)),
        ring_percent=settings.alarms.volume_percent,
    )


def _set_earcons(speaker: Speaker, panel: Panel, storage: Storage) -> None:
    """Let the panel be heard, if it is to be; give earcons, and with them what rings, the volume that was set last."""
    if isinstance(panel, HeardPanel):
        panel.sound_by(speaker.play_earcon)
    is_only_heard = isinstance(panel, HeardPanel) and panel.beside is None
    # Without lights, only the earcons say when it listens.
    if storage.kept_panel is not None and (storage.kept_panel.levels.earcons or not is_only_heard):
        speaker.earcon_percent = storage.kept_panel.levels.earcons


def _registry(settings: Settings, context: BoxContext, speaker: Speaker, mailbox: Mailbox, alarms: Keeper) -> Registry:
    storage = context.storage
    further: list[ToolSource] = [storage.tool_files.source]
    further += [source for source in (context.http, context.home, context.mcp) if source is not None]
    return tools_of(
        settings,
        speaker,
        mailbox.report,
        storage.remembering,
        further,
        AlarmTools(alarms),
        storage.reasons,
        storage.speaking,
    )


def _alarms(
    settings: Settings,
    context: BoxContext,
    speaker: Speaker,
    detector: Detector | None,
    announcements: Announcements,
) -> Keeper:
    """Return the keeper of timers and alarms, and the voice by which it names them."""

    async def listening() -> None:
        if detector is not None:
            await detector.loaded.wait()

    async def say(samples: Samples) -> AnnouncementOutcome:
        return (await announcements.say(samples, priority=Priority.ANNOUNCEMENT, has_chime=True)).outcome

    folder, speech = context.storage.sayings, announcements.speech
    voice: RingVoice = NoVoice()
    if folder is not None and speech is not None:
        welcome = partial(until_quiet_hours_end, settings.quiet, local_now)
        voice = RingNames(folder, speaker, speech.say, say=say, welcome=welcome, listening=listening)
    return Keeper(context.storage.alarms, voice, snooze_s=settings.alarms.snooze_minutes * 60)


def limits_of(settings: Settings) -> ToolLimits:
    """Return what a call of a tool may cost under these settings."""
    tools = settings.tools
    return ToolLimits(tools.timeout_s, tools.output_bytes, tools.calls_at_once)


def policy_of(settings: Settings, tier: Tier) -> Policy:
    """Return how the conversation behaves under these settings and with this echo tier."""
    return Policy(
        connect_s=settings.service.connect_s,
        no_speech_s=settings.conversation.no_speech_s,
        follow_up_s=settings.conversation.follow_up_s,
        turn_s=settings.conversation.turn_s,
        answer_s=settings.conversation.thinking_s,
        progress_s=settings.conversation.progress_s,
        session_s=settings.budget.session_s,
        echo_tail_s=settings.echo.tail_ms / 1000,
        may_answer_tools=settings.service.may_answer_tools,
        hears_itself=tier is not Tier.HARDWARE,
        resumes=settings.conversation.false_interruption == "resume",
        ignores_speech_in_noise=settings.echo.noisy_room == "wake-word",
    )


def _link(
    settings: Settings,
    context: BoxContext,
    words: Sequence[WakeWord],
    registry: Registry,
    mailbox: Mailbox,
    announcements: Announcements,
) -> tuple[Link, SessionConfiguration]:
    live, storage = context.live, context.storage
    session = SessionConfiguration(
        lambda: live.service if live is not None else settings.service,
        words,
        registry.definitions,
        storage.remembering,
        storage.speaking,
        announcements.asked,
    )
    connect_s, pong_s = settings.service.connect_s, settings.service.pong_s
    link = Link(context.dial, session.begin, mailbox.take, connect_s=connect_s, pong_s=pong_s, earlier=session.earlier)
    registry.on_change(lambda: link.update({"tools": registry.definitions()}))
    session.follow(link.update)
    return link, session


def tools_of(
    settings: Settings,
    volume: Volume,
    report: Report,
    remembering: "Remembering | None",
    further: Sequence[ToolSource],
    alarms: AlarmTools,
    reasons: Reasons = nothing_failed,
    speaking: "SpeakingPersona | None" = None,
) -> Registry:
    """Return the tools that the settings enable, those of memory and of personas, and the owner's ``further`` ones.

    Raises ``SettingsInvalid`` for a tool that no source offers.
    """
    always = [*further]
    if remembering is not None:
        always.insert(0, FunctionSource(remembering.functions(), name="memory"))
    allows = None
    if speaking is not None:
        allows = speaking.allows
        if settings.personas.by_voice:
            always.insert(0, FunctionSource(persona_tools(speaking), name="personas"))
    offered = [built_in(volume, report, alarms.functions(), reasons)]
    registry = Registry(offered, enabled=settings.tools.enabled, always=always, allows=allows)
    registry.check_enabled()
    return registry
