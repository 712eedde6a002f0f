"""The settings of ``[wakeword]``: the words that wake the box, and what recognises them."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, convert

from edgevoice.settings.fields import NotEmpty, PersonaName, Score, SureScore, WakewordModel

WakewordEngine = Literal["streaming", "openwakeword", "microwakeword"]


class WordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one wake word; what is left out is as for all words, or as in ``[service]``."""

    model: WakewordModel | None = None
    threshold: Score | None = None
    sure_threshold: SureScore | None = None
    voice: Annotated[NotEmpty, Meta(extra={"must_be": "a text that is not empty"})] | None = None
    instructions: Annotated[str, Meta(extra={"must_be": "a text"})] | None = None
    persona: PersonaName | None = None


class WakewordSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wake word, recognised inside the box. Scores range from 0 to 1.

    model: The name of a word that is present, or the absolute path of a model: an .onnx file, or with the engine
        microwakeword a .json file with its .tflite file beside it.
    threshold: The score at which the box wakes: how sure it must be, twice in a row, 80 ms apart.
    sure_threshold: The score at which it wakes at once; at least the threshold.
    speaking_threshold: The lowest score for a detection while the box itself speaks: it may say the word.
    refractory_s: How long after a detection further detections are ignored.
    words: Further wake words by name, and settings of single words, including the first: model, threshold,
        sure_threshold, and the voice, instructions and persona of the session that the word opens; for example {alexa =
        {threshold = 0.6}, computer = {model = "~/computer.onnx", voice = "Dennis"}}.
    engine: What computes the scores. streaming and openwakeword run openWakeWord's models and give the same scores, the
        second at eight times the CPU cost. microwakeword runs microWakeWord's models, which may be used commercially.
    gate: "energy" computes no scores while nothing is louder than the room's background; "off" always computes them.
    witness: "auto" asks a second model as well, microWakeWord's for the same word, whenever the engine streaming gives
        a score of 0.0003 or more, combines both scores, and in doubt asks the recogniser for the word's phonemes: fewer
        calls are missed, and there are fewer false wakes. "off" uses the engine alone.
    verifier: "auto" lets the box wake more easily for voices that `edgevoice wakeword enrol` has learned; each has a
        small model of its own, a verifier. "off" ignores them. They work with the engine streaming.
    verifier_threshold: How sure a verifier must be that it knows the voice; higher is stricter.
    smoothing_frames: How many scores, one every 80 ms, are averaged: 1 uses each score unchanged, because a detection
        needs two in a row anyway; 3 and more lose words in noise.
    near_miss_share: The share of the threshold from which a score without a detection is logged as a near miss, for
        `edgevoice wakeword tune`.
    keep_near_misses: How many recordings of near misses are kept, 2 s each; the oldest are deleted. With 0 no sound is
        ever kept.
    """

    model: WakewordModel = "hey_jarvis"
    threshold: Annotated[float, Meta(ge=0.05, le=0.99)] = 0.5
    sure_threshold: Annotated[float, Meta(ge=0.05, le=1)] = 0.8
    speaking_threshold: Annotated[float, Meta(ge=0.05, le=1)] = 0.6
    refractory_s: Annotated[float, Meta(ge=0, le=10)] = 2.0
    words: dict[str, Any] = {}
    engine: WakewordEngine = "streaming"
    gate: Literal["energy", "off"] = "energy"
    witness: Literal["auto", "off"] = "auto"
    verifier: Literal["auto", "off"] = "auto"
    verifier_threshold: Annotated[float, Meta(ge=0.05, le=0.99)] = 0.6
    smoothing_frames: Annotated[int, Meta(ge=1, le=5)] = 1
    near_miss_share: Annotated[float, Meta(ge=0.1, le=1)] = 0.5
    keep_near_misses: Annotated[int, Meta(ge=0, le=1000)] = 0

    def further_words(self) -> dict[str, WordSettings]:
        """Return ``words`` as structs, by name.

        Raises ``msgspec.ValidationError`` for an invalid one; see `disagreements`.
        """
        return {name: convert(word, WordSettings) for name, word in self.words.items()}

    def own_sessions(self) -> dict[str, str | None]:
        """Return the words with a voice, instructions or a persona of their own, each with that persona."""
        return {
            name: word.persona
            for name, word in self.further_words().items()
            if not word.voice is word.instructions is word.persona is None
        }
