"""The assembled parts: button presses, detections and speech reach the engine, and every pin is released."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import gpiozero
import pyaudio
import pytest

from edgevoice.audio.microphone import PERIOD
from edgevoice.box import assembly
from edgevoice.box.assembly import Parts, assemble, policy_of
from edgevoice.box.context import BoxContext, Storage, kept_panel_of, speaking_of
from edgevoice.core.announcements import RingDue
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    Device,
    LinkLost,
    MutePressed,
    PlaybackDrained,
    TalkHeld,
    TalkPressed,
    ToolCall,
    WakeWordHeard,
)
from edgevoice.core.notices import Notice, PhaseEntered, UplinkSent
from edgevoice.core.orders import Light, OpenLink, PlayRing, ShowLight
from edgevoice.core.panel_facts import EarconVolumeSet
from edgevoice.core.ports import Panel
from edgevoice.echo.tiers import Tier
from edgevoice.errors import WakeWordUnavailable
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.mock import MockPins
from edgevoice.panel.none import NoPanel
from edgevoice.panel.opening import open_mute_pin, open_panel, open_panel_buttons
from edgevoice.personas.speaking import SETTERS
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.realtime.link import Link
from edgevoice.settings.assistant import PersonasSettings, ToolsSettings
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import BudgetSettings, ConversationSettings, Settings, WatchdogSettings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.sound import AmplifierSettings, EchoSettings, MicrophoneSettings, SpeakerSettings
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.runner import ToolLimits
from tests.noting import Noting
from tests.waiting import eventually

TALK, MUTE, AMPLIFIER = 23, 24, 16
GPIO = Settings(panel=PanelSettings(kind="gpio", hold_s=0.3), amplifier=AmplifierSettings(mute_gpio=AMPLIFIER))


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


def open_buttons_of(parts: Parts, settings: Settings, opened: ExitStack, pins: MockPins) -> None:
    open_panel_buttons(
        settings.panel, opened, pins, position=lambda: parts.microphone.position, post=parts.mailbox.post
    )


class Box:
    """An assembled box on mock pins that connects to a socket without a listener, and what its observers see."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.pins = MockPins()
        self.seen: list[Notice] = []
        self._folder = folder

    def endpoint(self) -> Endpoint:
        return local(self._folder / "nobody.sock", nothing_to_prepare)

    @asynccontextmanager
    async def assembled(self, *, wants_wakeword: bool = False) -> AsyncIterator[Parts]:
        with ExitStack() as opened:
            panel, factory = open_panel(self.settings.panel, opened, environment={}, factory=self.pins)
            amplifier = open_mute_pin(self.settings.amplifier, opened, factory)
            context = BoxContext(self.endpoint, wants_wakeword=wants_wakeword)
            parts = assemble(self.settings, context, panel, amplifier=amplifier)
            parts.engine.add_observers([Noting(self.seen)])
            assert factory is self.pins
            open_buttons_of(parts, self.settings, opened, factory)
            linking = asyncio.create_task(parts.link.run())
            parts.engine.start()
            try:
                yield parts
            finally:
                parts.engine.stop()
                parts.tools.close()
                linking.cancel()
                await asyncio.gather(linking, return_exceptions=True)

    def has(self, *notices: Notice) -> bool:
        return all(notice in self.seen for notice in notices)


def test_an_idle_box_shows_that_it_is_ready_and_unmutes_the_amplifier(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled():
            assert box.has(ShowLight(Light.IDLE))
            assert box.pins.is_high(AMPLIFIER), "not muted: its mute is active low"
            assert box.pins.is_high(22), "the status light is on"

    asyncio.run(live())

    assert not any(box.pins.is_output(pin) and box.pins.is_high(pin) for pin in (17, 27, 22, AMPLIFIER))


def test_at_the_end_the_amplifier_is_muted_and_every_pin_is_released(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled():
            box.pins.forget()

    asyncio.run(live())

    assert [change.is_high for change in box.pins.changes(AMPLIFIER)] == [False]
    for pin in (17, 27, 22, TALK, MUTE, AMPLIFIER):
        gpiozero.DigitalInputDevice(pin, pin_factory=box.pins).close()  # an error if it still had a user


def test_the_talk_button_begins_a_conversation_at_the_moment_of_the_press(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            for _ in range(7):
                parts.microphone.callback(bytes(2 * PERIOD), PERIOD, {}, 0)
            box.pins.press(TALK)
            await eventually(lambda: box.has(TalkPressed(7 * PERIOD), OpenLink(), PhaseEntered(Phase.CONNECTING)))
            await eventually(lambda: box.has(LinkLost("service-unreachable", is_retriable=True)))
            box.pins.release(TALK)

    asyncio.run(live())


def test_the_talk_button_held_ends_it(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled():
            box.pins.press(TALK)
            await eventually(lambda: box.has(TalkHeld(cancels_waiting=True), PhaseEntered(Phase.IDLE)))
            box.pins.release(TALK)

    asyncio.run(live())


def test_the_mute_button_closes_the_microphone(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            box.pins.press(MUTE)
            await eventually(lambda: box.has(MutePressed(), ShowLight(Light.MUTED)))
            parts.microphone.callback(b"\1" * 2 * PERIOD, PERIOD, {}, 0)
            assert parts.microphone.read(0)[1] == bytes(2 * PERIOD)
            box.pins.release(MUTE)

    asyncio.run(live())


def test_buttons_that_are_not_wired_are_not_opened(tmp_path: Path) -> None:
    panel = PanelSettings(kind="gpio", talk_button_gpio="none", mute_button_gpio="none", speaking_led_gpio="none")
    box = Box(Settings(panel=panel), tmp_path)

    async def live() -> None:
        async with box.assembled():
            assert set(box.pins.pins) == {box.pins.pin(name).info for name in ("GPIO17", "GPIO22")}

    asyncio.run(live())


def test_a_press_or_a_callback_after_the_end_does_no_harm(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)
    opened = ExitStack()
    taken: list[Parts] = []

    async def live() -> None:
        panel, _ = open_panel(GPIO.panel, opened, environment={}, factory=box.pins)
        parts = assemble(GPIO, BoxContext(box.endpoint, wants_wakeword=False), panel)
        open_buttons_of(parts, GPIO, opened, box.pins)

        taken.append(parts)

    asyncio.run(live())
    with opened:
        box.pins.press(MUTE)
        box.pins.release(MUTE)
        taken[0].speaker._tell(PlaybackDrained(burst=1))
        taken[0].microphone.callback(bytes(2 * PERIOD), PERIOD, {}, 0)


def test_captured_audio_goes_to_the_wake_word_and_through_the_loop_to_the_uplink(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled(wants_wakeword=True) as parts:
            assert parts.detector is not None
            parts.uplink.open()
            for _ in range(4):
                await asyncio.to_thread(parts.microphone.callback, bytes(2 * PERIOD), PERIOD, {}, 0)
            await eventually(lambda: box.has(UplinkSent(0, 640), UplinkSent(640, 640)))
            waiting = parts.detector._frames._waiting.get_nowait()
            assert waiting is not None
            assert waiting[:2] == (bytes(8 * PERIOD), 4 * PERIOD)

    asyncio.run(live())


def test_a_detection_in_its_thread_reaches_the_engine_in_the_loop(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled(wants_wakeword=True) as parts:
            assert parts.detector is not None
            heard = WakeWordHeard("hey_jarvis", 0.9, 1280)
            await asyncio.to_thread(parts.detector._tell, heard)
            await eventually(lambda: box.has(heard, OpenLink(heard.word)))

    asyncio.run(live())


def test_without_a_wake_word_there_is_no_detector(tmp_path: Path) -> None:
    box = Box(Settings(panel=PanelSettings(kind="gpio"), wakeword=WakewordSettings(model="nosuch")), tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            assert parts.detector is None
            for _ in range(4):
                parts.microphone.callback(bytes(2 * PERIOD), PERIOD, {}, 0)

    asyncio.run(live())


def test_a_missing_wake_word_model_is_refused_before_anything_runs(tmp_path: Path) -> None:
    box = Box(Settings(panel=PanelSettings(kind="gpio"), wakeword=WakewordSettings(model="nosuch")), tmp_path)

    async def live() -> None:
        async with box.assembled(wants_wakeword=True):
            raise AssertionError

    with pytest.raises(WakeWordUnavailable, match="nosuch"):
        asyncio.run(live())


def test_a_timer_that_the_model_sets_rings_through_the_engine(tmp_path: Path) -> None:
    box = Box(GPIO, tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            parts.engine.report(RingDue(1))
            assert any(isinstance(notice, PlayRing) for notice in box.seen)
            assert not parts.speaker.is_silent

    asyncio.run(live())


def test_the_settings_reach_the_parts(tmp_path: Path) -> None:
    settings = Settings(
        panel=PanelSettings(kind="gpio"),
        microphone=MicrophoneSettings(device="near", channel=3, preroll_s=0.5),
        speaker=SpeakerSettings(device="far", volume_percent=30),
        tools=ToolsSettings(enabled=("set_volume",)),
    )
    box = Box(settings, tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            assert parts.speaker.volume_percent == 30
            assert parts.uplink._preroll == 8000
            assert parts.supervisor._opener._channel == 3
            assert parts.supervisor._opener._names == {Device.MICROPHONE: "near", Device.SPEAKER: "far"}
            assert [tool["name"] for tool in parts.link._session("")["tools"]] == ["set_volume"]

    asyncio.run(live())


def test_an_open_session_learns_of_tools_that_are_added_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def set_lamp() -> None:
        """Set the lamp."""

    class Later(FunctionSource):
        def may_offer(self, name: str) -> bool:
            return name == "set_lamp"

    source = Later()
    monkeypatch.setattr(assembly, "built_in", lambda _volume, _report, _alarms, _reasons: source)
    box = Box(Settings(panel=PanelSettings(kind="gpio"), tools=ToolsSettings(enabled=("set_lamp",))), tmp_path)
    updates: list[dict[str, Any]] = []
    monkeypatch.setattr(Link, "update", lambda _link, changes: updates.append(changes))

    async def live() -> None:
        async with box.assembled() as parts:
            source.add(set_lamp)
            assert parts.link._session("")["tools"] == updates[0]["tools"]

    asyncio.run(live())
    assert [[tool["name"] for tool in update["tools"]] for update in updates] == [["set_lamp"]]


@pytest.mark.parametrize("by_voice", [True, False])
def test_personas_can_be_changed_by_voice_unless_the_settings_forbid_it(tmp_path: Path, *, by_voice: bool) -> None:
    settings = Settings(personas=PersonasSettings(enabled=True, by_voice=by_voice))

    async def live() -> set[str]:
        async with speaking_of(settings, tmp_path) as speaking:
            context = BoxContext(Box(settings, tmp_path).endpoint, (), Storage(speaking=speaking), wants_wakeword=False)
            parts = assemble(settings, context, NoPanel())
            return {tool["name"] for tool in parts.link._session("")["tools"]}

    offered = asyncio.run(live())

    assert offered & SETTERS == (SETTERS if by_voice else set())


def test_what_a_tool_changes_of_the_persona_is_sent_in_mid_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    updates: list[dict[str, Any]] = []
    monkeypatch.setattr(Link, "update", lambda _link, changes: updates.append(changes))
    settings = Settings(personas=PersonasSettings(enabled=True, voices=("Luna",)))

    async def live() -> None:
        async with speaking_of(settings, tmp_path) as speaking:
            context = BoxContext(Box(settings, tmp_path).endpoint, (), Storage(speaking=speaking), wants_wakeword=False)
            parts = assemble(settings, context, NoPanel())
            await parts.link._earlier()
            parts.link._session("")
            parts.tools.run(ToolCall("1", "set_voice", "{}"))
            await eventually(lambda: len(updates) == 1)
            parts.tools.run(ToolCall("2", "undo_persona", "{}"))
            await eventually(lambda: len(updates) == 2)

    asyncio.run(live())

    assert updates == [{"audio": {"output": {"voice": voice}}} for voice in ("Luna", "Sarah")]


def test_every_figure_of_the_settings_reaches_its_part(tmp_path: Path) -> None:
    settings = Settings(
        panel=PanelSettings(kind="gpio"),
        service=ServiceSettings(connect_s=3, pong_s=4),
        speaker=SpeakerSettings(prefill_ms=120, earcon_percent=0),
        tools=ToolsSettings(timeout_s=5, output_bytes=999, calls_at_once=3),
        watchdog=WatchdogSettings(stall_s=2),
        wakeword=WakewordSettings(smoothing_frames=3, engine="microwakeword"),
    )

    async def live() -> None:
        async with Box(settings, tmp_path).assembled(wants_wakeword=True) as parts:
            assert parts.detector is not None
            assert (parts.link._limits.connect_s, parts.link._limits.pong_s) == (3, 4)
            assert (parts.speaker._playout._prefill._wanted, parts.speaker._earcons._gain) == (120 * 24, 0)
            assert (parts.tools._limits, parts.engine._stall_s) == (ToolLimits(5, 999, 3), 2)
            assert parts.detector._decision._latest.maxlen == 3
            assert not parts.detector._own_voice.is_speaking()
            parts.engine.report(RingDue(1))
            assert parts.detector._own_voice.is_speaking(), "the box itself is to be heard: another threshold holds"

    asyncio.run(live())


def test_active_low_lights_and_active_high_buttons_follow_the_settings(
    tmp_path: Path,
) -> None:
    panel = PanelSettings(kind="gpio", led_active_high=False, button_pull_up=False)
    box = Box(Settings(panel=panel), tmp_path)

    async def live() -> None:
        async with box.assembled():
            assert not box.pins.is_high(22), "the status light is on"
            assert box.pins.is_high(17)
            assert box.pins.pin(f"GPIO{TALK}").pull == "down"

    asyncio.run(live())


def test_cards_named_by_number_are_remembered_in_the_given_folder(tmp_path: Path) -> None:
    async def live() -> None:
        storage = Storage(cards=tmp_path / "cards.json")
        context = BoxContext(Box(GPIO, tmp_path).endpoint, storage=storage, wants_wakeword=False)
        parts = assemble(GPIO, context, NoPanel())
        assert parts.supervisor._opener._memory._path == tmp_path / "cards.json"

    asyncio.run(live())


def test_audio_that_was_lost_in_either_direction_is_an_xrun(tmp_path: Path) -> None:
    box = Box(Settings(panel=PanelSettings(kind="gpio")), tmp_path)

    async def live() -> None:
        async with box.assembled() as parts:
            assert parts.xruns == 0
            parts.microphone.callback(bytes(640), 320, None, pyaudio.paInputOverflow)
            parts.speaker.callback(None, 240, None, pyaudio.paOutputUnderflow)
            parts.speaker.callback(None, 240, None, pyaudio.paOutputUnderflow)
            assert parts.xruns == 3

    asyncio.run(live())


def test_the_policy_is_that_of_the_settings() -> None:
    settings = Settings(
        service=ServiceSettings(connect_s=3),
        conversation=ConversationSettings(no_speech_s=4, follow_up_s=0, thinking_s=5, progress_s=7),
        budget=BudgetSettings(session_s=60),
        echo=EchoSettings(tier="hardware", tail_ms=350),
    )

    policy = policy_of(settings, Tier.HARDWARE)

    assert (policy.connect_s, policy.no_speech_s, policy.follow_up_s) == (3, 4, 0)
    assert (policy.answer_s, policy.progress_s) == (5, 7)
    assert (policy.session_s, policy.echo_tail_s) == (60, 0.35)
    assert not policy.hears_itself


@pytest.mark.parametrize(("noisy_room", "is_ignored"), [("wake-word", True), ("speech", False)])
def test_the_settings_decide_whether_speech_is_ignored_in_noise(
    noisy_room: Literal["wake-word", "speech"], *, is_ignored: bool
) -> None:
    settings = Settings(echo=EchoSettings(noisy_room=noisy_room))

    assert policy_of(settings, Tier.SUPPRESSOR).ignores_speech_in_noise is is_ignored


def test_the_default_times_of_the_core_are_those_of_the_settings() -> None:
    assert policy_of(Settings(), Tier.NONE) == Policy(resumes=True, ignores_speech_in_noise=True)


@pytest.mark.parametrize(
    ("tier", "hears_itself"),
    [(Tier.NONE, True), (Tier.LINEAR, True), (Tier.SUPPRESSOR, True), (Tier.HARDWARE, False)],
)
def test_only_a_device_that_cancels_its_own_echo_keeps_the_uplink_open_while_the_box_speaks(
    tier: Tier, *, hears_itself: bool
) -> None:
    assert policy_of(Settings(), tier).hears_itself is hears_itself


def test_a_box_without_lights_plays_a_sound_when_a_conversation_begins_and_ends(tmp_path: Path) -> None:
    async def live() -> None:
        panel = HeardPanel()
        parts = assemble(Settings(), BoxContext(Box(GPIO, tmp_path).endpoint, wants_wakeword=False), panel)
        assert parts.speaker.is_silent
        panel.show(Light.LISTENING)
        assert not parts.speaker.is_silent

    asyncio.run(live())


@pytest.mark.parametrize(
    ("panel", "set_percent", "percent"),
    [(NoPanel(), 0, 0), (NoPanel(), 15, 15), (HeardPanel(), 0, 40), (HeardPanel(), 15, 15)],
)
def test_the_volume_of_the_earcons_is_what_was_set_last_unless_nothing_else_shows_that_it_listens(
    panel: Panel, set_percent: int, percent: int, tmp_path: Path
) -> None:
    kept = kept_panel_of(Settings(), tmp_path)
    kept.observe(EarconVolumeSet(set_percent), 0.0)

    async def live() -> int:
        context = BoxContext(lambda: local(tmp_path / "s", nothing_to_prepare), storage=Storage(kept_panel=kept))
        return assemble(Settings(), dataclasses.replace(context, wants_wakeword=False), panel).speaker.earcon_percent

    assert asyncio.run(live()) == percent
