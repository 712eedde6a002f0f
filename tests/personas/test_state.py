import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.personas import state as states
from edgevoice.personas.persona import Persona
from edgevoice.personas.state import MOST_CHANGES, Choice, NothingToUndo, PersonaState

PIRATE = Persona(name="pirate")
SLOW = Persona(name="slow", speed=0.8)
SINGER = Persona(name="singer", voice="Luna")
PERSONAS = {persona.name: persona for persona in (PIRATE, SLOW, SINGER)}
USUAL = Choice()


def in_force(state: PersonaState, place: str = "") -> Choice:
    return state.choices.get(place, USUAL)


_Step = tuple[str, object]
_STEPS = st.one_of(
    st.tuples(st.just("choose"), st.sampled_from(sorted(PERSONAS))),
    st.tuples(st.just("voice"), st.sampled_from(["Luna", "Clive"])),
    st.tuples(st.just("speed"), st.sampled_from([0.5, 1.0, 1.5])),
    st.tuples(st.just("activate"), st.tuples(st.sampled_from(sorted(PERSONAS)), st.integers(0, 3))),
    st.tuples(st.just("reset"), st.none()),
)


def taken(state: PersonaState, step: _Step, place: str = "") -> PersonaState:
    match step:
        case "choose", str(name):
            return states.choose(state, place, in_force(state, place), PERSONAS[name])
        case "voice", str(voice):
            return states.speak_with(state, place, in_force(state, place), voice)
        case "speed", float(speed):
            return states.speak_at(state, place, in_force(state, place), speed)
        case "activate", (str(name), int(version)):
            return states.activate(state, place, PERSONAS[name], version)
        case _:
            return states.reset(state, place)


@given(st.lists(_STEPS, max_size=20))
def test_undo_inverts_any_sequence_of_changes_step_by_step(steps: list[_Step]) -> None:
    seen = [PersonaState()]
    for step in steps:
        state = taken(seen[-1], step)
        if state is not seen[-1]:
            seen.append(state)

    state = seen[-1]
    for before in reversed(seen[:-1]):
        state = states.undo(state, "")
        assert state == before
    with pytest.raises(NothingToUndo):
        states.undo(state, "")


@given(st.lists(st.tuples(st.sampled_from(["", "computer"]), _STEPS), max_size=20))
def test_undoing_in_one_place_leaves_the_choice_of_another_alone(steps: list[tuple[str, _Step]]) -> None:
    state = PersonaState()
    for place, step in steps:
        state = taken(state, step, place)
    elsewhere = state.choices.get("computer")

    while any(change.place == "" for change in state.past):
        state = states.undo(state, "")

    assert "" not in state.choices
    assert state.choices.get("computer") == elsewhere


@given(st.lists(_STEPS, max_size=20), _STEPS)
def test_a_change_that_changes_nothing_needs_no_undo(steps: list[_Step], step: _Step) -> None:
    state = PersonaState()
    for each in steps:
        state = taken(state, each)
    once = taken(state, step)

    assert (once is state) == (in_force(once) == in_force(state) and once.versions == state.versions)
    assert taken(once, step) is once


def test_the_oldest_changes_become_final() -> None:
    state = PersonaState()
    for number in range(MOST_CHANGES + 10):
        state = states.speak_at(state, "", in_force(state), 0.5 + number / 100)

    assert len(state.past) == MOST_CHANGES
    for _ in range(MOST_CHANGES):
        state = states.undo(state, "")
    assert in_force(state).speed == 0.59


def test_a_speed_that_was_asked_for_outlives_a_persona_without_one_of_its_own() -> None:
    slower = states.speak_at(PersonaState(), "", USUAL, 0.7)

    assert in_force(states.choose(slower, "", in_force(slower), PIRATE)) == Choice("pirate", speed=0.7)
    assert in_force(states.choose(slower, "", in_force(slower), SLOW)) == Choice("slow")


def test_a_voice_that_was_asked_for_outlives_a_persona_without_one_of_its_own() -> None:
    another = states.speak_with(PersonaState(), "", USUAL, "Clive")

    assert in_force(states.choose(another, "", in_force(another), PIRATE)) == Choice("pirate", voice="Clive")
    assert in_force(states.choose(another, "", in_force(another), SINGER)) == Choice("singer")


def test_reset_removes_all_choices_at_once_and_can_be_undone() -> None:
    pirate = states.choose(PersonaState(), "", USUAL, PIRATE)
    slower = states.speak_at(pirate, "", in_force(pirate), 0.7)

    plain = states.reset(slower, "")

    assert in_force(plain) == USUAL
    assert in_force(states.undo(plain, "")) == Choice("pirate", speed=0.7)


def test_undoing_an_activation_brings_back_the_earlier_version() -> None:
    first = states.activate(PersonaState(), "", PIRATE, 1)
    second = states.activate(first, "", PIRATE, 2)
    third = states.activate(second, "", PIRATE, 0)

    assert [each.versions for each in (first, second, third)] == [{"pirate": 1}, {"pirate": 2}, {}]
    assert states.undo(third, "").versions == {"pirate": 2}
    assert states.undo(states.undo(third, ""), "") == first


def test_a_persona_that_is_removed_leaves_no_trace_and_the_rest_can_still_be_undone() -> None:
    slow = states.choose(PersonaState(), "", USUAL, SLOW)
    both = states.choose(states.activate(slow, "", PIRATE, 1), "computer", USUAL, PIRATE)
    again = states.choose(both, "", in_force(both), SINGER)

    left = states.forget(again, "pirate")

    assert left.choices == {"": Choice("singer")}
    assert left.versions == {}
    assert states.undo(left, "computer").choices == {"": Choice("singer")}
    assert states.undo(left, "").choices == {}
