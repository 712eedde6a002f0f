"""Rules across settings: values that are each valid but do not fit together. Reads no files."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from msgspec import structs

from edgevoice.settings.home_rules import home_complaint
from edgevoice.settings.http_rules import complaints_about_http
from edgevoice.settings.judge_rules import address_complaint
from edgevoice.settings.mcp_rules import complaints
from edgevoice.settings.schema import Settings
from edgevoice.settings.tables import of_wrong_type
from edgevoice.settings.wakeword import WakewordSettings, WordSettings


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Settings that are each valid but do not fit together; ``text`` is the error line without the file's name."""

    names: tuple[str, ...]
    text: str


def disagreements(settings: Settings) -> Iterator[Disagreement]:
    """Yield what no range can express: thresholds out of order, words, servers, unheard sounds, pins used twice."""
    wakeword = settings.wakeword
    wrong_words = [*_wrong_words(wakeword.words)]
    yield from (Disagreement(("wakeword.words",), text) for text in wrong_words)
    if not wrong_words:
        yield from _thresholds_in_disorder(wakeword)
        yield from _personas_without_effect(settings)
    yield from (Disagreement(("tools.http",), text) for text in complaints_about_http(settings.tools.http))
    yield from _judge_without_need(settings)
    if settings.home.url and (complaint := home_complaint(settings.home.url)):
        yield Disagreement(("home.url",), f"home.url {complaint}")
    yield from (Disagreement(("mcp.servers",), text) for text in complaints(settings.mcp.servers))
    if wakeword.sure_threshold < wakeword.threshold:
        yield Disagreement(
            ("wakeword.sure_threshold", "wakeword.threshold"),
            f"wakeword.sure_threshold is {wakeword.sure_threshold:g}; it must be at least wakeword.threshold, "
            f"which is {wakeword.threshold:g}",
        )
    if settings.panel.without_lights == "sound" and settings.speaker.earcon_percent == 0:
        yield Disagreement(
            ("panel.without_lights", "speaker.earcon_percent"),
            'panel.without_lights is "sound" but speaker.earcon_percent is 0, so nothing would be heard; raise it, '
            'or set panel.without_lights to "refuse" or "listen"',
        )
    if settings.echo.reference == settings.microphone.device:
        yield Disagreement(
            ("echo.reference", "microphone.device"),
            f'echo.reference is "{settings.echo.reference}", which is the microphone itself; it must capture what the '
            'speaker plays: name an ALSA loopback or a monitor, or set it to "own"',
        )
    yield from _half_a_span("panel.night_from", settings.panel.night_from, "panel.night_to", settings.panel.night_to)
    yield from _half_a_span("quiet.begin", settings.quiet.begin, "quiet.end", settings.quiet.end)
    knob = ("panel.volume_knob_a_gpio", "panel.volume_knob_b_gpio")
    if (settings.panel.volume_knob_a_gpio == "none") is not (settings.panel.volume_knob_b_gpio == "none"):
        yield Disagreement(knob, f"{knob[0]} and {knob[1]} are the two pins of one knob; set both, or neither")
    for (first, pin), (second, other_pin) in combinations(_pins(settings), 2):
        # Boards with a single light use it for everything.
        both_are_lights = first.endswith("_led_gpio") and second.endswith("_led_gpio")
        if pin == other_pin and not both_are_lights:
            yield Disagreement(
                (first, second),
                f'{first} and {second} are both {pin}; only lights may share a pin: change one, or set it to "none"',
            )


def _half_a_span(begin: str, from_time: str, end: str, to_time: str) -> Iterator[Disagreement]:
    """Yield what is wrong with two times of day between which something is done: it would never be done."""
    if bool(from_time) is not bool(to_time):
        given, missing = (begin, end) if from_time else (end, begin)
        yield Disagreement((missing, given), f"{given} is set and {missing} is not; set both, or neither")
    elif from_time and from_time == to_time:
        yield Disagreement((begin, end), f"{begin} and {end} are both {from_time}; set two times, or neither")


def _wrong_words(words: dict[str, Any]) -> Iterator[str]:
    """Yield an error line for every invalid part of ``wakeword.words``."""
    takes = {each.name: each.type for each in structs.fields(WordSettings)}
    for name, word in words.items():
        place = f"wakeword.words.{name}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
            yield "wakeword.words has a name over 40 characters, or with characters other than letters, digits, - and _"
        elif not isinstance(word, dict):
            yield f"{place} must be a table, written [{place}]"
        elif wrong := next((key for key in word if key not in takes), None):
            shown = wrong if re.fullmatch(r"\w{1,24}", wrong) else "something"
            yield f"{place} contains {shown}; it takes {', '.join(takes)}"
        else:
            yield from of_wrong_type(place, word, takes)


def _thresholds_in_disorder(wakeword: WakewordSettings) -> Iterator[Disagreement]:
    """Yield the words for which one frame would need a lower score than two."""
    for name, word in wakeword.further_words().items():
        sure, usual = word.sure_threshold or wakeword.sure_threshold, word.threshold or wakeword.threshold
        if sure < usual and not word.threshold is word.sure_threshold is None:
            yield Disagreement(
                ("wakeword.words", "wakeword.sure_threshold", "wakeword.threshold"),
                f"for the word {name} the sure_threshold is {sure:g}; it must be at least its threshold, {usual:g}",
            )


def _judge_without_need(settings: Settings) -> Iterator[Disagreement]:
    """Yield what a judge of conversations lacks."""
    grading = settings.grading
    if not grading.judge_url:
        return
    if complaint := address_complaint(grading.judge_url):
        yield Disagreement(("grading.judge_url",), f"grading.judge_url {complaint}")
    if not grading.judge_model:
        yield Disagreement(
            ("grading.judge_model", "grading.judge_url"), "grading.judge_model is empty; name the model that judges"
        )
    if not settings.memory.enabled:
        yield Disagreement(
            ("grading.judge_url", "memory.enabled"),
            "grading.judge_url needs memory.enabled = true: a judge reads what was said, which is not kept without it",
        )


def _personas_without_effect(settings: Settings) -> Iterator[Disagreement]:
    """Yield the words that name a persona though personas are off."""
    for name, word in settings.wakeword.further_words().items():
        if word.persona is not None and not settings.personas.enabled:
            yield Disagreement(
                ("wakeword.words", "personas.enabled"),
                f"the word {name} has the persona {word.persona}, but personas.enabled is false; set it to true",
            )


def _pins(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield every pin that would be opened, with the name of its setting."""
    # A panel without GPIO opens no pin, so its defaults must not stand in the way of the amplifier.
    yield from ((f"panel.{name}", pin) for name, pin in settings.panel.pins().items())
    if settings.amplifier.mute_gpio != "none":
        yield "amplifier.mute_gpio", settings.amplifier.mute_gpio
