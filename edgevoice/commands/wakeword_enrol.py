"""`edgevoice wakeword enrol`: learns the household's voices, lists them and forgets them.

What a person says is held in memory until their verifier is made, and never written to a disk.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console

from edgevoice.commands.wakeword_microphone import Frame, frames_heard, until_interrupted
from edgevoice.errors import EdgevoiceError, StorageUnavailable
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.wakeword.engine import stages_in
from edgevoice.wakeword.household import VoiceVerifier
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.tuning.enrolment import LEAST_CALLS, LEAST_SPEECH_S, Learner, sounding_s
from edgevoice.wakeword.tuning.evaluation import kind_of
from edgevoice.wakeword.tuning.recordings import others_in, sound_of, sounds_in
from edgevoice.wakeword.voices import files_of, is_name, keep, name_of
from edgevoice.wakeword.words import WakeWord, spoken, wake_words

_CALLS: Final = 5
_CALL_FRAMES: Final = round(3.0 * RATE_HZ / FRAME)
_SPEECH_FRAMES: Final = round(25.0 * RATE_HZ / FRAME)
_READY_FRAMES: Final = round(0.5 * RATE_HZ / FRAME)
"""Before each prompt, so that what was said last has died away."""

_MOST_TRIES: Final = 3

_PLACES: Final = ("", "", " a little more quietly", " from where you usually sit", " as you would from the next room")


class NotEnrolled(EdgevoiceError, ValueError):
    """A voice cannot be enrolled, or is not there."""

    code = "wakeword-not-enrolled"
    remedy = "Try again in a quiet room, a metre from the box."


@dataclass(frozen=True, slots=True)
class _Said:
    """What a person has said: calls, each with the wake word once, and other speech."""

    calls: tuple[Samples, ...]
    speech: tuple[Samples, ...]


def enrol(config: Path | None, name: str, *, word: str | None, source: Path | None) -> int:
    """Record a person, or read the recordings in ``source``, and keep their verifier. Raises ``NotEnrolled``."""
    settings = load(config, os.environ).settings
    if not is_name(name):
        raise NotEnrolled(
            f"{name!r} cannot be a name here",
            remedy="Take up to 40 letters, digits, spaces, - and _, beginning with a letter or a digit.",
        )
    chosen = _chosen(settings, word)
    learner = Learner(stages_in(cache_folder(os.environ)), Classifier(chosen.model))
    console = Console(soft_wrap=True, highlight=False)
    said = _recorded(console, settings, chosen, learner) if source is None else _read(source, learner)
    console.print("Learning: this takes some seconds, on a Pi up to a minute.")
    voice = learner.learn(name, chosen.name, said.calls, said.speech)
    place = _keep(voice, chosen, len(said.calls))
    console.print(f"{name} is enrolled for {chosen.name}: {place}", markup=False)
    console.print("It takes effect at the next start of the box: sudo systemctl restart edgevoice")
    if settings.wakeword.verifier == "off":
        console.print('wakeword.verifier is "off": set it to "auto", or the box asks nobody\'s verifier.')
    return 0


def show(config: Path | None) -> int:
    """List who is enrolled, for each word."""
    for word in wake_words(load(config, os.environ).settings.wakeword):
        names = ", ".join(map(name_of, _files(word))) or "nobody"
        print(f"{word.name}: {names}")
    return 0


def remove(config: Path | None, name: str, *, word: str | None) -> int:
    """Forget a person, for every word or for one. Raises ``NotEnrolled`` where nobody is enrolled by that name."""
    words = [
        each for each in wake_words(load(config, os.environ).settings.wakeword) if word is None or each.name == word
    ]
    found = [(each, file) for each in words for file in _files(each) if name_of(file) == name]
    if not found:
        raise NotEnrolled(f"nobody is enrolled as {name}", remedy="`edgevoice wakeword enrol --list` shows who is.")
    for each, file in found:
        try:
            file.unlink()
        except OSError as error:
            raise StorageUnavailable.of(f"{file} cannot be removed", error) from error
        print(f"{name} is no longer enrolled for {each.name}. It takes effect at the next start of the box.")
    return 0


def _chosen(settings: Settings, name: str | None) -> WakeWord:
    """Return the word that somebody is enrolled for, if its engine knows verifiers."""
    words = wake_words(settings.wakeword)
    word = next((each for each in words if name in {None, each.name}), None)
    if word is None:
        names = ", ".join(each.name for each in words)
        raise NotEnrolled(f"{name} is not a wake word in the settings", remedy=f"Take one of these: {names}.")
    if settings.wakeword.engine != "streaming":
        raise NotEnrolled(
            f"the engine {settings.wakeword.engine} does not ask verifiers",
            remedy='Set wakeword.engine = "streaming", or leave it out: it is the default.',
        )
    return word


def _keep(voice: VoiceVerifier, word: WakeWord, calls: int) -> Path:
    folder = state_folder(os.environ)
    try:
        return keep(voice, word.model, folder, calls=calls)
    except OSError as error:
        raise StorageUnavailable.of(f"{folder} cannot be written", error) from error


def _files(word: WakeWord) -> list[Path]:
    folder = state_folder(os.environ)
    try:
        return files_of(folder, word.name)
    except OSError as error:
        raise StorageUnavailable.of(f"{folder} cannot be read", error) from error


# --- from recordings -------------------------------------------------------------------------------------------------


def _read(source: Path, learner: Learner) -> _Said:
    """Read calls and speech by the names of files and folders, as `wakeword evaluate` does."""
    if not source.is_dir():
        raise NotEnrolled(f"{source} is not a folder", remedy=_FOLDER_REMEDY)
    files = sounds_in(source)
    calls = [each for each in files if kind_of(each, source) == "positive"]
    speech = [each for each in files if kind_of(each, source) == "negative"]
    said = _Said(tuple(map(sound_of, calls)), tuple(map(sound_of, speech)))
    for file, sound in zip(calls, said.calls, strict=True):
        if not learner.is_call(sound):
            raise NotEnrolled(f"the wake word cannot be heard in {file}", remedy="Take it out, or record it again.")
    for file, sound in zip(speech, said.speech, strict=True):
        if not learner.is_other(sound):
            raise NotEnrolled(f"{file} sounds like the wake word", remedy="Take it out of the other speech.")
    if len(calls) < LEAST_CALLS:
        problem = f"{source} holds {len(calls)} calls; it takes at least {LEAST_CALLS}"
        raise NotEnrolled(_with_others(problem, source), remedy=_FOLDER_REMEDY)
    seconds = sum(map(sounding_s, said.speech))
    if seconds < LEAST_SPEECH_S:
        problem = f"{source} holds {seconds:.0f} s of other speech; it takes at least {LEAST_SPEECH_S:.0f} s"
        raise NotEnrolled(_with_others(problem, source), remedy=_FOLDER_REMEDY)
    return said


def _with_others(problem: str, source: Path) -> str:
    others = others_in(source)
    return f"{problem}. It also holds {others}" if others else problem


_FOLDER_REMEDY: Final = (
    "Put recordings of one person into it: a folder named positives with the wake word once in each file, "
    "and a folder named negatives with other speech."
)


# --- from the microphone ---------------------------------------------------------------------------------------------


def _recorded(console: Console, settings: Settings, word: WakeWord, learner: Learner) -> _Said:
    console.print(
        "What you say is kept in memory only, and forgotten when this ends; numbers that describe your voice are kept."
    )
    with until_interrupted() as is_over, frames_heard(settings.microphone, is_over) as frames:
        said = ask(console, frames, spoken(word.name), learner)
    if is_over.is_set():
        raise NotEnrolled("interrupted; nothing was kept", remedy="Start again when you like.")
    return said


def ask(console: Console, frames: Iterator[Frame], phrase: str, learner: Learner) -> _Said:
    """Ask for calls and for other speech, and return what was said; what teaches nothing is asked for again."""
    calls = []
    for number in range(_CALLS):
        prompt = f'Say "{phrase}"{_PLACES[number]} now … {number + 1} of {_CALLS}'
        calls.append(_asked(console, frames, _CALL_FRAMES, prompt, f'I did not hear "{phrase}".', learner.is_call))
    prompt = f'Now talk for 25 seconds about anything, or read something aloud, without saying "{phrase}" …'

    def is_speech(sound: Samples) -> bool:
        return sounding_s(sound) >= LEAST_SPEECH_S and learner.is_other(sound)

    complaint = f'I heard too little, or "{phrase}" in it.'
    speech = _asked(console, frames, _SPEECH_FRAMES, prompt, complaint, is_speech)
    return _Said(tuple(calls), (speech,))


def _asked(
    console: Console,
    frames: Iterator[Frame],
    count: int,
    prompt: str,
    complaint: str,
    is_good: Callable[[Samples], bool],
) -> Samples:
    for _ in range(_MOST_TRIES):
        _next(frames, _READY_FRAMES)
        console.print(prompt, markup=False)
        sound = _next(frames, count)
        if is_good(sound):
            return sound
        console.print(f"{complaint} Once more, please.", markup=False)
    raise NotEnrolled(f"{complaint.rstrip('.')}, {_MOST_TRIES} times")


def _next(frames: Iterator[Frame], count: int) -> Samples:
    """Return the sound of the next frames; raises ``NotEnrolled`` when they end before."""
    pieces = [pcm for pcm, _ in (next(frames, (b"", 0)) for _ in range(count)) if pcm]
    if len(pieces) < count:
        raise NotEnrolled("interrupted; nothing was kept", remedy="Start again when you like.")
    return np.frombuffer(b"".join(pieces), "<i2")
