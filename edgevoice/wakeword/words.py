"""The wake words of a box: which models hear them, what counts as heard, and how the box answers to each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable
from edgevoice.settings.wakeword import WakewordSettings, WordSettings
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.models.present import find_model, word_of, words_present


@dataclass(frozen=True, slots=True)
class WakeWord:
    """One word; ``witness`` is microWakeWord's model of it, if one confirms what ``model`` hears.

    ``scale`` is whose models make its scores: scores of different makers are not comparable. ``voice`` and
    ``instructions`` replace the service's in the session that the word opens, and ``persona`` is who answers in it.
    """

    name: str
    model: Path
    thresholds: Thresholds
    witness: Path | None = None
    scale: str = "openwakeword"
    voice: str | None = None
    instructions: str | None = None
    persona: str | None = None


def wake_words(settings: WakewordSettings) -> tuple[WakeWord, ...]:
    """Return the words in the settings, the first one first; ``WakeWordUnavailable`` if one does not exist."""
    words = tuple(_words(settings))
    models = [word.model.resolve() for word in words]
    for number, word in enumerate(words):
        if models[number] in models[:number]:
            other = words[models.index(models[number])]
            raise WakeWordUnavailable(
                f"the wake words {other.name} and {word.name} have the same model",
                remedy=f"Take wakeword.words.{word.name} out, or name another model in it.",
            )
    return words


def spoken(name: str) -> str:
    """Return a wake word as it is spoken, from its name: hey_jarvis is "hey Jarvis"."""
    first, *rest = name.replace("_", " ").split() or [name]
    return " ".join([first, *(word.capitalize() for word in rest)]) if rest else first.capitalize()


def _words(settings: WakewordSettings) -> Iterator[WakeWord]:
    first = find_model(settings.model, engine=settings.engine)
    name = word_of(first)
    further = settings.further_words()
    particular = further.pop(name, WordSettings())
    if particular.model is not None:
        raise WakeWordUnavailable(
            f"the model of {name} is set both in wakeword.model and in wakeword.words.{name}",
            remedy=f"Take it out of wakeword.words.{name}.",
        )
    yield _wake_word(name, first, settings, particular)
    for name, word in further.items():
        model = find_model(word.model or name, f"wakeword.words.{name}", engine=settings.engine)
        yield _wake_word(name, model, settings, word)


def _wake_word(name: str, model: Path, settings: WakewordSettings, word: WordSettings) -> WakeWord:
    thresholds = Thresholds(
        settings.threshold if word.threshold is None else word.threshold,
        settings.sure_threshold if word.sure_threshold is None else word.sure_threshold,
        settings.refractory_s,
        settings.speaking_threshold,
    )
    witness = _witness(model, settings)
    scale = "microwakeword" if settings.engine == "microwakeword" else "openwakeword"
    if witness is not None:
        scale = "two makers and phonemes"
    return WakeWord(name, model, thresholds, witness, scale, word.voice, word.instructions, word.persona)


def _witness(model: Path, settings: WakewordSettings) -> Path | None:
    """Return microWakeWord's model of a word that openWakeWord's package brings; None for a custom model."""
    if settings.engine != "streaming" or settings.witness == "off" or model not in words_present().values():
        return None
    return words_present("microwakeword").get(word_of(model))
