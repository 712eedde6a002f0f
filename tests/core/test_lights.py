from collections.abc import Collection
from itertools import combinations

import pytest

from edgevoice import errors
from edgevoice.core.lights import (
    DARK,
    LIT,
    LIVE_LIGHTS,
    LONGEST_DARK_S,
    Fault,
    Led,
    Pattern,
    Step,
    describe,
    fault_of,
    leds_by_pin,
    level_at,
    meaning,
    pattern_of,
    patterns_on,
    seconds_to_change,
)
from edgevoice.core.orders import Light

WIRINGS = [
    *({led: 10 + index for index, led in enumerate(leds)} for size in (1, 2, 3) for leds in combinations(Led, size)),
    dict.fromkeys(Led, 7),
    {Led.LISTENING: 7, Led.SPEAKING: 8, Led.STATUS: 8},
    {Led.LISTENING: 7, Led.SPEAKING: 8, Led.STATUS: 7},
]
REASON_OF = {
    Fault.NETWORK: "service-unreachable",
    Fault.KEY: "key-refused",
    Fault.CREDIT: "no-credit",
    Fault.MICROPHONE: "microphone",
    Fault.SPEAKER: "speaker",
    Fault.OTHER: "settings-invalid",
    Fault.PROXY: "proxy-refused",
    Fault.CLOCK: "clock-wrong",
    Fault.BUDGET: "budget-spent",
}
SHOWN = [(light, "") for light in Light if light is not Light.FAULT] + [(Light.FAULT, r) for r in REASON_OF.values()]


def wired(wiring: dict[Led, int]) -> str:
    return ",".join(f"{led}={pin}" for led, pin in wiring.items())


def edges(patterns: Collection[Pattern], until_s: float = 12.0) -> list[tuple[float, bool]]:
    """Return when a LED with these combined ``patterns`` goes on or off, by following ``seconds_to_change``."""
    played = tuple(patterns)
    now, found = 0.0, [(0.0, level_at(played, 0) >= 0.5)]
    while now < until_s and (wait_s := seconds_to_change(played, now)) is not None:
        now += max(wait_s, 1e-6)
        is_lit = level_at(played, now) >= 0.5
        if is_lit is not found[-1][1]:
            found.append((round(now, 3), is_lit))
    return found


def seen(wiring: dict[Led, int], light: Light, reason: str = "") -> dict[int, list[tuple[float, bool]]]:
    return {pin: edges(patterns_on(leds, light, reason)) for pin, leds in leds_by_pin(wiring).items()}


def longest_dark_s(wiring: dict[Led, int], light: Light) -> float:
    """Return the longest time, in seconds, during which every LED is dark; endless darkness is 12 s and more."""
    every_led = [pattern for leds in leds_by_pin(wiring).values() for pattern in patterns_on(leds, light)]
    changes = edges(every_led)
    ends = [at for at, _ in changes[1:]] + [changes[-1][0] + 12.0]
    # The span after the last change is truncated, so it only counts when there is no other.
    spans = list(zip(changes, ends, strict=True))[: max(1, len(changes) - 1)]
    return max((end - at for (at, is_lit), end in spans if not is_lit), default=0.0)


def test_the_search_for_darkness_finds_it() -> None:
    assert longest_dark_s({Led.STATUS: 1}, Light.OFF) >= 12
    assert longest_dark_s({Led.STATUS: 1}, Light.MUTED) == pytest.approx(1.9)


@pytest.mark.parametrize("wiring", WIRINGS, ids=wired)
@pytest.mark.parametrize("light", sorted(LIVE_LIGHTS))
def test_no_darkness_is_longer_than_half_a_second_while_audio_may_leave_the_box(
    light: Light, wiring: dict[Led, int]
) -> None:
    assert longest_dark_s(wiring, light) <= LONGEST_DARK_S + 1e-3


def test_exactly_the_phases_with_a_session_count_as_live() -> None:
    phases = {Light.CONNECTING, Light.LISTENING, Light.THINKING, Light.SPEAKING}
    assert phases | {Light.HEARING, Light.WORKING, Light.DUCKED} == LIVE_LIGHTS
    assert LONGEST_DARK_S == 0.5


def test_while_it_connects_and_waits_for_the_answer_the_flashes_are_short() -> None:
    assert [step.duration_s for step in pattern_of(Light.CONNECTING, Led.LISTENING).steps] == [0.1, 0.1]
    assert [step.duration_s for step in pattern_of(Light.THINKING, Led.LISTENING).steps] == [0.1, 0.1, 0.1, 0.4]


@pytest.mark.parametrize("wiring", WIRINGS, ids=wired)
def test_no_two_lights_look_alike_except_idle_and_off_on_a_shared_led(wiring: dict[Led, int]) -> None:
    looks: dict[str, list[str]] = {}
    for light, reason in SHOWN:
        looks.setdefault(str(seen(wiring, light, reason)), []).append(f"{light} {reason}".strip())

    alike = [names for names in looks.values() if len(names) > 1]

    assert alike in ([], [["off", "idle"]])


def test_three_leds_distinguish_a_ready_box_from_one_that_is_off() -> None:
    pins = {Led.LISTENING: 1, Led.SPEAKING: 2, Led.STATUS: 3}

    assert seen(pins, Light.IDLE) != seen(pins, Light.OFF)


@pytest.mark.parametrize("wiring", WIRINGS, ids=wired)
def test_idle_and_off_and_listening_never_move_so_that_they_cost_nothing(wiring: dict[Led, int]) -> None:
    for light in (Light.OFF, Light.IDLE):
        for leds in leds_by_pin(wiring).values():
            assert seconds_to_change(patterns_on(leds, light), 3.3) is None


def test_the_number_of_blinks_identifies_the_fault() -> None:
    blinks = {}
    for fault, reason in REASON_OF.items():
        pattern = pattern_of(Light.FAULT, Led.STATUS, reason)
        blinks[fault] = sum(step.level for step in pattern.steps)

    assert list(blinks.values()) == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert list(blinks) == list(Fault)


def test_the_pause_after_a_count_is_far_longer_than_the_gaps_within_it() -> None:
    for reason in REASON_OF.values():
        *counted, pause = pattern_of(Light.FAULT, Led.STATUS, reason).steps

        assert pause.level == 0
        assert pause.duration_s >= 4 * max(step.duration_s for step in counted)


def test_every_error_of_ours_has_a_fault_light() -> None:
    def tree(kind: type[errors.EdgevoiceError]) -> list[type[errors.EdgevoiceError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]

    ours = [kind.code for kind in tree(errors.EdgevoiceError) if kind.__module__ == errors.__name__]
    told = {code: fault_of(code) for code in ours}

    assert {code for code, fault in told.items() if fault is Fault.NETWORK} == {
        "link",
        "service-unreachable",
        "service-busy",
        "session-ended",
    }
    assert [code for code, fault in told.items() if fault is Fault.KEY] == ["key-refused"]
    assert [code for code, fault in told.items() if fault is Fault.CREDIT] == ["no-credit"]
    assert [code for code, fault in told.items() if fault is Fault.PROXY] == ["proxy-refused"]
    assert [code for code, fault in told.items() if fault is Fault.CLOCK] == ["clock-wrong"]


def test_a_fault_lights_the_status_led_only() -> None:
    assert pattern_of(Light.FAULT, Led.LISTENING, "key-refused") is DARK
    assert pattern_of(Light.FAULT, Led.SPEAKING, "key-refused") is DARK


def test_a_led_without_a_pin_is_shown_by_the_listening_led_first() -> None:
    assert leds_by_pin({Led.LISTENING: 17, Led.SPEAKING: 27}) == {17: (Led.LISTENING, Led.STATUS), 27: (Led.SPEAKING,)}
    assert leds_by_pin({Led.SPEAKING: 27, Led.STATUS: 22}) == {22: (Led.LISTENING, Led.STATUS), 27: (Led.SPEAKING,)}
    assert leds_by_pin({Led.SPEAKING: 27}) == {27: tuple(Led)}


def test_without_any_pin_nothing_is_shown() -> None:
    assert leds_by_pin({}) == {}


def test_the_brightest_of_patterns_that_share_a_led_wins() -> None:
    dim = Pattern((Step(0.25, 1), Step(0.75, 1)))

    assert [level_at((DARK, dim), seconds) for seconds in (0, 0.99, 1, 1.99, 2, 1001.5)] == [
        0.25,
        0.25,
        0.75,
        0.75,
        0.25,
        0.75,
    ]
    assert level_at((LIT, dim), 0) == 1


def test_the_next_change_is_the_nearest_of_all_patterns_on_a_led() -> None:
    slow = Pattern((Step(1, 2), Step(0, 2)))
    quick = Pattern((Step(1, 0.5), Step(0, 1)))

    assert seconds_to_change((LIT, slow, quick), 0.0) == pytest.approx(0.5)
    assert seconds_to_change((slow, quick), 1.75) == pytest.approx(0.25)
    assert seconds_to_change((slow,), 3.0) == pytest.approx(1.0)


def test_a_steady_light_never_changes() -> None:
    assert seconds_to_change((LIT, DARK), 5) is None


def test_the_table_has_a_row_for_every_light_and_every_fault() -> None:
    rows = describe()

    assert [row.light for row in rows if not row.fault] == [light for light in Light if light is not Light.FAULT]
    assert [row.fault for row in rows if row.light is Light.FAULT] == list(Fault)
    assert all(row.seen and row.meaning and not row.meaning.endswith(".") for row in rows)


def test_the_table_says_what_the_leds_do() -> None:
    seen_by = {row.fault or row.light.value: row.seen for row in describe()}

    assert seen_by["off"] == "all dark"
    assert seen_by["idle"] == "status LED lit (dark where LEDs are shared)"
    assert seen_by["speaking"] == "speaking LED 0.4 s on, 0.1 s off"
    assert seen_by["ringing"] == "all LEDs 0.5 s on, 0.5 s off"
    assert seen_by["credit"] == "status LED blinks 4 times, then 1.5 s off"


def test_the_meaning_of_a_fault_follows_its_reason() -> None:
    assert meaning(Light.FAULT, "key-refused") == "The service refused the key: copy it again"
    assert meaning(Light.FAULT, "never-heard-of") == meaning(Light.FAULT)
