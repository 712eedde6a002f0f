"""Opens the wake word as its section of the settings describes it. It loads no model except the voice model."""

import logging
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from edgevoice.core.facts import WakeWordHeard
from edgevoice.core.ports import Observer
from edgevoice.errors import WakeWordUnavailable, of_machine
from edgevoice.journal import tell
from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.wakeword.detector import Detector, OwnVoice
from edgevoice.wakeword.engine import Opinions, kernel_at_hand, open_scorer
from edgevoice.wakeword.far_end import FarEndScorer
from edgevoice.wakeword.household import HouseholdVoices
from edgevoice.wakeword.kernel.sound_models import KernelEvents, open_events, open_sound
from edgevoice.wakeword.models.firered import FireRed
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.models.silero import SileroVoice, load_voice
from edgevoice.wakeword.phoneme_witness import Fit, PhonemeWitness
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wakeword.tuning.notes import Notes, Outcomes
from edgevoice.wakeword.voices import household_for, scale_of
from edgevoice.wakeword.words import WakeWord

_log = logging.getLogger(__name__)


def open_detector(
    settings: WakewordSettings,
    words: Sequence[WakeWord],
    post: Callable[[WakeWordHeard], None],
    *,
    is_speaking: Callable[[], bool],
    near_misses: NearMissLog | None,
    far_end: Callable[[Callable[[Samples, int], None]], None] | None = None,
    clear: Callable[[Samples, int], Samples] | None = None,
    load_fit: Callable[[], Fit | None] | None = None,
) -> Detector | None:
    """Return the detector of the words, ``None`` if there are none.

    The parameters are those of `Detector`, `OwnVoice` and `opinions_on`; ``far_end`` receives the function that takes
    the speaker's sound, see `FarEndScorer`.
    """
    if not words:
        return None
    state = state_folder(os.environ)
    open_plain = partial(
        open_scorer,
        [word.model for word in words],
        engine=settings.engine,
        gate=settings.gate,
        cache=cache_folder(os.environ),
    )
    overhearing: FarEndScorer | None = None
    # openWakeWord's own engine costs eight times as much; twice that is more than a Pi can spare while the box speaks.
    if far_end is not None and settings.engine != "openwakeword":
        overhearing = FarEndScorer(open_plain)
        far_end(overhearing.hear)
    load = partial(open_plain, opinions=opinions_on(words, load_fit, household_for(settings, words, state)))
    return Detector(
        words,
        load,
        post,
        OwnVoice(is_speaking, overhearing, clear),
        smoothing_frames=settings.smoothing_frames,
        notes=_notes(settings, words, near_misses, state) if near_misses is not None else None,
    )


def opinions_on(
    words: Sequence[WakeWord],
    load_fit: Callable[[], Fit | None] | None,
    household: Callable[[Sequence[int]], HouseholdVoices | None] | None = None,
) -> Opinions:
    """Return what changes the words' scores; ``load_fit`` loads the network that hears phonemes, where there is one."""
    # Only of words that both makers' models know is it measured how well their phonemes tell them.
    known = [word.name if word.witness is not None else None for word in words]
    phonemes = PhonemeWitness(known, load_fit) if load_fit is not None and any(known) else None
    return Opinions([word.witness for word in words], phonemes, household)


def _notes(settings: WakewordSettings, words: Sequence[WakeWord], near_misses: NearMissLog, state: Path) -> Notes:
    return Notes(
        [word.name for word in words],
        near_misses,
        _wall_clock,
        share=settings.near_miss_share,
        smoothing_frames=settings.smoothing_frames,
        scales=[scale_of(settings, word, state) for word in words],
    )


def open_outcomes(near_misses: NearMissLog) -> Observer:
    """Return the observer that notes the outcome of each wake word."""
    return Outcomes(near_misses, _wall_clock)


def open_voice() -> SileroVoice | None:
    """Load the voice model; without it, speech is recognised by pitch alone, and the log says so.

    The kernel runs it if it is ready: the first start of a box does not wait until it is made.
    """
    try:
        kernel = kernel_at_hand(cache_folder(os.environ))
        session = kernel.voice() if kernel is not None else None
        return SileroVoice(session) if session is not None else load_voice()
    except (WakeWordUnavailable, ImportError) as error:
        tell(_log, logging.WARNING, "no-voice-model", problem=_said_of(error))
        return None


def open_sound_model() -> FireRed | None:
    """Load the model that tells speech from laughs; without it the voice model decides alone, and the log says so."""
    try:
        return FireRed(open_sound(cache_folder(os.environ)))
    except (WakeWordUnavailable, OSError, ValueError) as error:
        tell(_log, logging.WARNING, "no-sound-model", problem=_said_of(error))
        return None


def open_event_model() -> KernelEvents | None:
    """Load the model that has the last word; without it laughs and dishes interrupt more often, and the log says so."""
    try:
        return open_events(cache_folder(os.environ))
    except (WakeWordUnavailable, OSError, ValueError) as error:
        tell(_log, logging.WARNING, "no-event-model", problem=_said_of(error))
        return None


def _said_of(error: Exception) -> str:
    """Return what is wrong and, where it is known, what to do."""
    known = error if isinstance(error, WakeWordUnavailable) else of_machine(error)
    return str(error) if known is None else known.line()


def _wall_clock() -> datetime:
    return datetime.now(UTC)
