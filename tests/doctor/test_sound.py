from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.facts import Device
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.listening import busy, owners_of
from edgevoice.doctor.sound import Capture, Half, Samples, State, judge_microphone, judge_speaker, tone
from tests.doctor.machines import machine

RATE_HZ = 16_000
MIC, DAC = Half("mic", State.OPEN), Half("dac", State.OPEN)
BUSY = Half("mic", State.BUSY, "mic is in use by arecord", "Stop it")
OURS = Half("mic", State.WITH_THE_BOX, "the box itself has it", "Stop the box")


def noise(seconds: float, dbfs: float, seed: int = 1) -> Samples:
    chance = np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))
    return np.clip(chance * 32_768 * 10 ** (dbfs / 20), -32_768, 32_767).astype(np.int16)


def heard(quiet: Samples, during: Samples | None = None, **changes: object) -> Capture:
    facts: dict[str, object] = {"microphone": MIC, "speaker": DAC, "quiet": quiet, "during": quiet} | changes
    if during is not None:
        facts["during"] = during
    return Capture(**facts)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("facts", "mark", "words"),
    [
        (heard(noise(2, -60)), FindingStatus.FINE, "-60 dBFS"),
        (heard(np.zeros(32_000, np.int16)), FindingStatus.WRONG, "exact zeros"),
        (heard(np.zeros(0, np.int16)), FindingStatus.WRONG, "delivers nothing"),
        (heard(noise(2, -84)), FindingStatus.DOUBTFUL, "very faint"),
        (heard(noise(2, -20)), FindingStatus.DOUBTFUL, "very loud"),
        (heard(noise(2, 3)), FindingStatus.DOUBTFUL, "clips"),
        (heard(noise(2, -60), rate_hz=48_000.0), FindingStatus.WRONG, "48000 samples per second instead of 16000"),
        (heard(noise(2, -60), rate_hz=15_700.0), FindingStatus.FINE, "-60 dBFS"),
        (heard(noise(2, -60), overflows=3), FindingStatus.DOUBTFUL, "3 gaps"),
        (heard(noise(2, -60), microphone=BUSY), FindingStatus.WRONG, "arecord"),
        (heard(noise(2, -60), microphone=OURS), FindingStatus.SKIPPED, "the box itself has it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_microphone_is_judged_by_its_recording(facts: Capture, mark: FindingStatus, words: str) -> None:
    finding = judge_microphone(facts)

    assert finding.mark is mark
    assert words in finding.text


def with_tone(level_db: float, room_dbfs: float, *, reverberation_s: float = 0.2) -> Samples:
    """The tone after 120 ms in a room: an echo's tail of noise that fades, and the room's noise over it."""
    out = noise(2.7, room_dbfs, seed=2).astype(np.float64)
    times = np.arange(round(reverberation_s * RATE_HZ)) / RATE_HZ
    tail = np.random.default_rng(3).standard_normal(len(times)) * np.exp(-times * 6.9 / reverberation_s) * 0.1
    tail[0] = 1.0
    played = np.convolve(tone(RATE_HZ).astype(np.float64), tail) * 10 ** (level_db / 20)
    begin = round(0.12 * RATE_HZ)
    out[begin : begin + len(played)] += played[: len(out) - begin]
    return np.clip(out, -32_768, 32_767).astype(np.int16)


@pytest.mark.parametrize(("level_db", "room_dbfs"), [(-6, -60), (-30, -60), (-45, -60), (-20, -40)])
def test_a_tone_is_found_in_a_room_with_echo_and_noise(level_db: float, room_dbfs: float) -> None:
    finding = judge_speaker(heard(noise(2, room_dbfs), with_tone(level_db, room_dbfs)), cancels_itself=False)

    assert finding.mark is FindingStatus.FINE
    assert "the microphone hears it" in finding.text


@pytest.mark.parametrize(("backend", "said"), [("alsa", "in 4 to 7 ms"), ("portaudio", "15 to 25 ms")])
def test_it_says_how_soon_an_interrupted_answer_falls_silent(backend: str, said: str) -> None:
    facts = heard(noise(2, -60), with_tone(-20, -60), backend=backend)

    assert said in judge_speaker(facts, cancels_itself=False).text


def test_noise_speech_like_bursts_and_a_clap_are_not_a_tone() -> None:
    for seed in range(20):
        during = noise(2.7, -50, seed=seed + 10)
        bursts = during.copy()
        for begin in range(0, 40_000, 8_000):
            bursts[begin : begin + 3_000] = noise(3_000 / RATE_HZ, -20, seed=begin + seed)
        clap = during.copy()
        clap[20_000:20_040] = 30_000
        for sound in (during, bursts, clap):
            finding = judge_speaker(heard(noise(2, -50), sound), cancels_itself=False)
            assert finding.mark is FindingStatus.DOUBTFUL, (seed, finding)


def test_a_tone_that_was_already_there_is_not_the_speakers() -> None:
    quiet = with_tone(-20, -60)

    assert judge_speaker(heard(quiet, with_tone(-20, -60)), cancels_itself=False).mark is FindingStatus.DOUBTFUL


@pytest.mark.parametrize(
    ("facts", "cancels_itself", "mark"),
    [
        (heard(noise(2, -60), noise(2.7, -60, 9)), True, FindingStatus.FINE),
        (heard(np.zeros(32_000, np.int16)), False, FindingStatus.SKIPPED),
        (heard(noise(2, -60), with_tone(-6, -60), underflows=2), False, FindingStatus.DOUBTFUL),
        (heard(noise(2, -60), microphone=BUSY), False, FindingStatus.SKIPPED),
        (
            heard(noise(2, -60), speaker=Half("dac", State.MISSING, "no such card", "Plug it in")),
            False,
            FindingStatus.WRONG,
        ),
    ],
)
def test_a_speaker_that_cannot_be_heard_is_not_called_broken(
    facts: Capture, *, cancels_itself: bool, mark: FindingStatus
) -> None:
    assert judge_speaker(facts, cancels_itself=cancels_itself).mark is mark


# --- its owner -------------------------------------------------------------------------------------------------------


STATUS = "state: RUNNING\nowner_pid   : 812\ntrigger_time: 1.2\n"


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("/opt/edgevoice/bin/python\0/opt/edgevoice/bin/edgevoice\0run\0", State.WITH_THE_BOX),
        ("/opt/edgevoice/bin/python\0-m\0edgevoice\0run\0", State.WITH_THE_BOX),
        ("/usr/bin/arecord\0-D\0hw:1\0/home/edgevoice/secret.wav\0", State.BUSY),
    ],
)
def test_alsas_status_files_show_which_program_has_a_busy_card(tmp_path: Path, command: str, state: State) -> None:
    files = {"/proc/asound/card1/pcm0c/sub0/status": STATUS, "/proc/812/cmdline": command}
    there = machine(tmp_path, files)

    half = busy(Device.MICROPHONE, "mic", there, box_runs=False)

    assert half.state is state
    assert "secret" not in half.problem
    assert owners_of(Device.SPEAKER, there) == {}


def test_an_unused_card_is_not_attributed_to_the_running_box(tmp_path: Path) -> None:
    there = machine(tmp_path, {"/proc/asound/card1/pcm0c/sub0/status": "closed\n"})

    assert busy(Device.MICROPHONE, "mic", there, box_runs=True).state is State.BUSY


def test_a_busy_card_of_unknown_owner_is_attributed_to_the_running_box(tmp_path: Path) -> None:
    assert busy(Device.SPEAKER, "dac", machine(tmp_path), box_runs=True).state is State.WITH_THE_BOX
    assert "fuser" in busy(Device.SPEAKER, "dac", machine(tmp_path), box_runs=False).remedy


def test_a_card_configured_by_number_deserves_attention() -> None:
    numbered = Half("hw:2,0", State.OPEN, stable="plughw:CARD=Jabra,DEV=0")
    facts = heard(noise(2, -60), with_tone(-6, -60), microphone=numbered, speaker=numbered)

    for name, finding in (
        ("microphone", judge_microphone(facts)),
        ("speaker", judge_speaker(facts, cancels_itself=False)),
    ):
        assert finding.mark is FindingStatus.DOUBTFUL
        assert f'Set {name}.device = "plughw:CARD=Jabra,DEV=0"' in finding.remedy
