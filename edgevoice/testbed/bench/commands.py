"""`edgevoice bench commands`: what the local service understands of other voices, and what it obeys."""

import asyncio
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.errors import EdgevoiceError, LocalServiceUnavailable
from edgevoice.local.mind.brain import Prompt, answer
from edgevoice.local.mind.intents import understand
from edgevoice.local.mind.questions import asked
from edgevoice.local.speech.listener import TurnHeard, TurnListener
from edgevoice.local.speech.recogniser import SAMPLE_RATE_HZ, PhonemeRecogniser
from edgevoice.testbed.bench.recordings import RecordingFile, load

_COMMANDS = (
    *("what time is it", "what day is it", "set a timer for ten minutes", "set a timer for three minutes"),
    *("set a timer for thirty seconds", "set a timer for one hour", "set a timer for twenty minutes"),
    *("cancel the timer", "set the volume to fifty percent", "set the volume to eighty percent", "volume down"),
    *("turn it up", "stop", "quieter", "repeat that", "tell me a story", "goodbye", "set a twelve minute timer"),
    *("hey jarvis what time is it", "hey jarvis set a timer for seven minutes"),
)
_FOREIGN = (
    *("who was the first man on the moon", "will it snow this weekend", "add bread to the shopping list"),
    *("open the garage door", "how do you spell necessary", "we stopped at the shop on the way home"),
    *("switch off the living room lamp", "send a message to peter", "what is the tallest mountain in the world"),
    *("she set the table for ten people", "how old is the queen of england"),
    "i think the volume of this book is missing",
)
_ESPEAK = (
    *("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us+m3", "en-us+f3", "en-us-nyc+f2"),
    *("us-mbrola-1", "us-mbrola-2", "us-mbrola-3", "english-mb-en1"),
)
_FLITE = ("awb", "kal16", "rms", "slt")
_FESTIVAL = ("cmu_us_slt_arctic_hts", "don_diphone", "kal_diphone", "ked_diphone", "rab_diphone")
_PICO = ("en-GB", "en-US")
OUTCOMES = (
    *("understood", "asked", "asked wrongly", "wrongly", "missed"),
    *("refused", "foreign asked", "foreign obeyed"),
)
# An ordinary living room; and 3 m away in a bare one.
_ROOMS = {"living room": (0.3, 3.0), "3 m": (0.5, -4.0)}
_NOISE_SNR_DB = 10.0
_SYNTHESISERS = "Install some: `sudo apt install espeak-ng flite festival festvox-us-slt-hts`."
_LONGEST_S = 60
"""How long a program may take to say a sentence."""

_LEVEL_DBFS = -26.0
_PAUSE = np.zeros(SAMPLE_RATE_HZ * 3 // 10)

_Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpeechProgram:
    """A voice of an installed program; ``say`` writes a text as WAV to a file."""

    name: str
    say: Callable[[str, Path], None]


class VoiceBroken(EdgevoiceError, RuntimeError):
    """A speech synthesiser is installed, but this voice of it cannot speak."""

    code = "bench-voice"
    remedy = "Install the rest of it, or remove it."


def talkers() -> list[SpeechProgram]:
    """Return the voices of the installed programs: espeak-ng (with mbrola), flite, festival and svox pico."""
    found: list[SpeechProgram] = []
    if shutil.which("espeak-ng"):
        found += [
            SpeechProgram(
                f"espeak-ng {voice}", command_line("espeak-ng", "-v", voice, "-s", "155", "-w", "{file}", "{text}")
            )
            for voice in _ESPEAK
            if "mb" not in voice or Path("/usr/share/mbrola").is_dir()
        ]
    if shutil.which("flite"):
        found += [
            SpeechProgram(f"flite {v}", command_line("flite", "-voice", v, "-t", "{text}", "-o", "{file}"))
            for v in _FLITE
        ]
    if shutil.which("text2wave"):
        kept = {path.name for path in Path("/usr/share/festival/voices").glob("*/*")}
        found += [
            SpeechProgram(
                f"festival {v}", command_line("text2wave", "-eval", f"(voice_{v})", "-o", "{file}", from_stdin=True)
            )
            for v in _FESTIVAL
            if v in kept
        ]
    if shutil.which("pico2wave"):
        found += [
            SpeechProgram(f"pico {v}", command_line("pico2wave", "-l", v, "-w", "{file}", "{text}")) for v in _PICO
        ]
    return found


def command_line(*arguments: str, from_stdin: bool = False) -> Callable[[str, Path], None]:
    """Return how a program is called that says ``{text}`` into ``{file}``; the call may raise ``VoiceBroken``."""

    def say(text: str, file: Path) -> None:
        made = [argument.format(text=text, file=file) if "{" in argument else argument for argument in arguments]
        given = text if from_stdin else None
        try:
            subprocess.run(made, input=given, text=True, check=True, capture_output=True, timeout=_LONGEST_S)
        except (OSError, subprocess.SubprocessError) as error:
            # After a timeout it is bytes, whatever was asked for.
            complaint = getattr(error, "stderr", None)
            lines = complaint.strip().splitlines() if isinstance(complaint, str) else []
            raise VoiceBroken(f"{shlex.join(made)} has failed: {lines[-1] if lines else error}") from error

    return say


def measure(voices: list[SpeechProgram], noises: tuple[RecordingFile, ...], *, as_json: bool) -> int:
    """Say every sentence with every voice in every place, print the results, and return the exit status.

    A voice that cannot speak is named and left out. Raises LocalServiceUnavailable when there is none that can, or a
    package is missing.
    """
    if not voices:
        raise LocalServiceUnavailable("no speech synthesiser is installed", remedy=_SYNTHESISERS)
    listener = TurnListener(PhonemeRecogniser.load())
    places = _places(noises)
    results: dict[str, dict[str, Counter[str]]] = {place: {} for place in places}
    cpu_s = 0.0
    for number, talker in enumerate(voices):
        try:
            said = [*_said(talker)]
        except VoiceBroken as error:
            print(f"{error}; {talker.name} is left out", file=sys.stderr)
            continue
        for text, sound in said:
            for place, change in places.items():
                samples = np.clip(change(sound, number), -32_768, 32_767).astype("<i2").tobytes()
                began = time.process_time()
                heard = asyncio.run(listener.words_of(samples, SAMPLE_RATE_HZ))
                cpu_s += time.process_time() - began
                results[place].setdefault(talker.name, Counter())[outcome(text, heard)] += 1
        if not as_json:
            print(talker.name, *(f"{place}: {dict(results[place][talker.name])}" for place in places), sep="\n  ")
    totals = {
        place: {each: sum(counts[each] for counts in by_voice.values()) for each in OUTCOMES}
        for place, by_voice in results.items()
    }
    if not (speaking := len(results["near"])):
        raise LocalServiceUnavailable("no speech synthesiser works", remedy=_SYNTHESISERS)
    utterances = sum(sum(total.values()) for total in totals.values())
    figures = {"voices": speaking, "totals": totals, "by_voice": results}
    print(json.dumps({**figures, "cpu_ms_per_utterance": round(1000 * cpu_s / utterances, 1)}))
    return 0


def outcome(text: str, heard: TurnHeard) -> str:
    """Return how the service reacts to ``heard``, which is what it recognised of ``text``.

    A command is "understood", "asked" about, "asked wrongly" about, done "wrongly" or "missed"; a foreign sentence is
    "refused", "foreign asked" about or "foreign obeyed".
    """
    wanted = understand(text)
    # Without tools there is one spoken answer for each command.
    reply = answer(Prompt(heard.text, is_sure=heard.is_sure))
    question = asked(reply.speech) if not heard.is_sure else None
    did = understand(heard.text) if heard.is_sure else []
    if text in _FOREIGN:
        return "foreign obeyed" if did else "foreign asked" if question is not None else "refused"
    if question is not None:
        return "asked" if [question] == wanted else "asked wrongly"
    return "understood" if did == wanted else "wrongly" if did else "missed"


def _said(talker: SpeechProgram) -> Iterator[tuple[str, _Sound]]:
    for text in (*_COMMANDS, *_FOREIGN):
        yield text, _level(said_by(talker, text))


def said_by(voice: SpeechProgram, text: str) -> _Sound:
    """Return a text as a voice says it, mono at 16 kHz, in units of s16; raises ``VoiceBroken``."""
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        file = Path(folder) / "said.wav"
        voice.say(text, file)
        try:
            sound = _read_wave(file)
        except (OSError, EOFError, wave.Error) as error:
            raise VoiceBroken(f"{voice.name} wrote no WAV file: {error}") from error
    if not sound.any():
        raise VoiceBroken(f"{voice.name} said nothing")
    return sound


def _read_wave(file: Path) -> _Sound:
    with wave.open(str(file)) as said:
        samples = np.frombuffer(said.readframes(said.getnframes()), "<i2").astype(np.float64)
        rate_hz, channels = said.getframerate(), said.getnchannels()
    sound: _Sound = soxr.resample(samples[::channels], rate_hz, SAMPLE_RATE_HZ)
    return sound


def _level(sound: _Sound) -> _Sound:
    loud = sound[np.abs(sound) > 0.02 * np.abs(sound).max(initial=1.0)]
    gain = 32_768 * 10 ** (_LEVEL_DBFS / 20) / max(1.0, float(np.sqrt(np.mean(loud**2))))
    return np.concatenate([_PAUSE, gain * sound, _PAUSE])


def _places(noises: tuple[RecordingFile, ...]) -> dict[str, Callable[[_Sound, int], _Sound]]:
    places: dict[str, Callable[[_Sound, int], _Sound]] = {"near": lambda sound, _: sound}
    for name, (rt60_s, direct_db) in _ROOMS.items():
        places[name] = lambda sound, seed, rt60_s=rt60_s, direct_db=direct_db: _in_room(  # type: ignore[misc]
            sound, seed, rt60_s, direct_db
        )
    for kind in sorted({noise.kind for noise in noises}):
        beds = [load(noise.path).astype(np.float64) for noise in noises if noise.kind == kind]
        places[f"{kind} at {_NOISE_SNR_DB:.0f} dB"] = lambda sound, seed, beds=beds: _in_noise(  # type: ignore[misc]
            sound, beds[seed % len(beds)]
        )
        places[f"3 m, {kind} at {_NOISE_SNR_DB:.0f} dB"] = lambda sound, seed, beds=beds: _in_noise(  # type: ignore[misc]
            _in_room(sound, seed, *_ROOMS["3 m"]), beds[seed % len(beds)]
        )
    return places


def _in_room(sound: _Sound, seed: int, rt60_s: float, direct_db: float) -> _Sound:
    """Return it with reverberation that decays by 60 dB in ``rt60_s``, that much fainter than the direct sound."""
    length = round(rt60_s * SAMPLE_RATE_HZ)
    decay = np.exp(-np.log(1000.0) * np.arange(length) / length)
    response = np.random.default_rng(seed).standard_normal(length) * decay
    response[:32] = 0.0
    response *= 10 ** (-direct_db / 20) / np.linalg.norm(response)
    response[0] = 1.0
    size = len(sound) + length
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]
    louder = np.sqrt(np.mean(sound**2) / np.mean(heard**2))
    return np.asarray(heard * louder, np.float64)


def _in_noise(sound: _Sound, bed: _Sound) -> _Sound:
    under = np.resize(bed, len(sound))
    level = np.sqrt(np.mean(under**2))
    mixed: _Sound = sound + under * (32_768 * 10 ** ((_LEVEL_DBFS - _NOISE_SNR_DB) / 20) / max(level, 1.0))
    return mixed
