"""The doctor proves that the echo reference carries what the box plays, and says what that promises."""

import asyncio
import threading

import numpy as np
import pytest

from edgevoice.doctor import mix
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.mix import capture_mix, judge_mix
from edgevoice.doctor.sound import Half, MixHeard, State, tone
from edgevoice.echo.tiers import Tier
from edgevoice.errors import DeviceBusy
from edgevoice.settings.schema import Settings
from edgevoice.settings.sound import EchoSettings, MicrophoneSettings

SPEAKER = Half("dac", State.OPEN)


def heard(*, has_tone: bool, problem: str = "") -> MixHeard:
    found = MixHeard("hw:Loopback,1", problem)
    found.played(None, 24_000)
    if has_tone:
        music = np.random.default_rng(1).normal(0, 500, 24_000).astype(np.int16)
        found.played(tone() // 4 + music, 24_000)
    found.played(None, 24_000)
    return found


@pytest.mark.parametrize(
    ("tier", "status", "text"),
    [
        (Tier.SUPPRESSOR, FindingStatus.FINE, "and speech still interrupts"),
        (Tier.HARDWARE, FindingStatus.FINE, "and speech still interrupts"),
        (Tier.LINEAR, FindingStatus.FINE, "the wake word is heard over music, too"),
        (Tier.NONE, FindingStatus.DOUBTFUL, "with the echo tier none nothing is cancelled"),
    ],
)
def test_a_mix_that_carries_the_boxs_own_sound_promises_what_the_tier_allows(
    tier: Tier, status: FindingStatus, text: str
) -> None:
    found = judge_mix(heard(has_tone=True), SPEAKER, tier)

    assert (found.name, found.mark) == ("echo reference", status)
    assert text in found.text


@pytest.mark.parametrize(
    ("device", "status"),
    [
        ("pulse:speaker.monitor", FindingStatus.FINE),
        ("pulse:mic", FindingStatus.DOUBTFUL),
        ("pulse", FindingStatus.DOUBTFUL),
        ("pipewire", FindingStatus.DOUBTFUL),
    ],
)
def test_a_microphone_that_hears_the_speaker_is_not_taken_for_a_mix(device: str, status: FindingStatus) -> None:
    mix = MixHeard(device)
    mix.played(tone() // 4, 24_000)

    assert judge_mix(mix, SPEAKER, Tier.SUPPRESSOR).mark is status


def test_a_mix_without_the_boxs_own_sound_promises_nothing_over_music() -> None:
    for each in (heard(has_tone=False), MixHeard("hw:Loopback,1")):
        found = judge_mix(each, SPEAKER, Tier.SUPPRESSOR)

        assert found.mark is FindingStatus.WRONG
        assert "is not promised over music" in found.text
        assert 'set echo.reference to "own"' in found.remedy


def test_what_did_not_open_is_wrong_and_what_could_not_be_played_proves_nothing() -> None:
    lost = judge_mix(heard(has_tone=True, problem="it was unplugged"), SPEAKER, Tier.SUPPRESSOR)
    assert (lost.mark, lost.text) == (FindingStatus.WRONG, "it was unplugged")

    busy = Half("dac", State.WITH_THE_BOX, "in use by the box itself", "Stop the box.")
    for each in (judge_mix(None, SPEAKER, Tier.LINEAR), judge_mix(heard(has_tone=False), busy, Tier.LINEAR)):
        assert each.mark is FindingStatus.SKIPPED
        assert each.remedy


class Waiting:
    """A capture that is asked to close."""

    problem = ""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def settings() -> Settings:
    return Settings(
        echo=EchoSettings(reference="hw:Loopback,1"), microphone=MicrophoneSettings(device="nothing_like_that")
    )


def test_the_mix_is_captured_and_closed(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    waiting = Waiting()
    monkeypatch.setattr(mix, "open_mix", lambda *_arguments: waiting)

    async def visit() -> str:
        async with capture_mix(settings) as found:
            assert found is not None
            assert not waiting.is_closed
            waiting.problem = "it was unplugged"
        return found.problem

    assert asyncio.run(visit()) == "it was unplugged"
    assert waiting.is_closed


def test_what_does_not_open_is_reported_with_its_remedy(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def refuse(*_arguments: object) -> None:
        raise DeviceBusy("it is in use", remedy="End that program.")

    monkeypatch.setattr(mix, "open_mix", refuse)

    async def visit(settings: Settings) -> MixHeard | None:
        async with capture_mix(settings) as found:
            return found

    found = asyncio.run(visit(settings))
    assert found is not None
    assert (found.problem, found.remedy) == ("it is in use", "End that program.")
    assert asyncio.run(visit(Settings())) is None


def test_what_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(mix, "_OPEN_LIMIT_S", 0.0)
    hangs = threading.Event()
    monkeypatch.setattr(mix, "open_mix", lambda *_arguments: hangs.wait(5))

    async def visit() -> MixHeard | None:
        async with capture_mix(settings) as found:
            return found

    found = asyncio.run(visit())
    hangs.set()
    assert found is not None
    assert "the sound system hangs" in found.problem
