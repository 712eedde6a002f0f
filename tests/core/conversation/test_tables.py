"""The transition tables of the conversation's state machines, and their diagrams."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from edgevoice.core.conversation import ending, generation, phases, playback, request, tool_round
from edgevoice.core.conversation.tables import after, diagram


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "double locked"


class Hand(StrEnum):
    PUSH = "push"
    TURN = "turn"
    SLAM = "slam"


DOOR = {
    (Door.OPEN, Hand.PUSH): Door.SHUT,
    (Door.OPEN, Hand.SLAM): Door.SHUT,
    (Door.SHUT, Hand.TURN): Door.LOCKED,
    (Door.LOCKED, Hand.SLAM): Door.LOCKED,
}

TABLES: dict[str, Mapping[tuple[Any, Any], Any]] = {
    "phases": phases.TRANSITIONS,
    "generation": generation.TRANSITIONS,
    "playback": playback.TRANSITIONS,
    "tool_round": tool_round.TRANSITIONS,
    "request": request.TRANSITIONS,
    "ending": ending.TRANSITIONS,
}


def test_a_listed_cause_follows_the_table_and_any_other_changes_nothing() -> None:
    assert after(DOOR, Door.OPEN, Hand.PUSH) is Door.SHUT
    assert after(DOOR, Door.OPEN, Hand.TURN) is Door.OPEN


def test_the_diagram_has_one_arrow_for_all_causes_of_the_same_transition() -> None:
    assert diagram(DOOR, Door.OPEN).splitlines() == [
        "stateDiagram-v2",
        "    direction LR",
        '    state "double locked" as double_locked',
        "    [*] --> open",
        "    open --> shut: push / slam",
        "    shut --> double_locked: turn",
    ]


def test_a_transition_from_every_other_state_is_one_arrow() -> None:
    table = {(state, Hand.SLAM): Door.SHUT for state in Door} | {(Door.SHUT, Hand.PUSH): Door.OPEN}

    assert diagram(table, Door.SHUT).splitlines()[2:] == [
        '    state "double locked" as double_locked',
        '    state "any state" as any_state',
        "    [*] --> shut",
        "    any_state --> shut: slam",
        "    shut --> open: push",
    ]


@pytest.mark.parametrize("name", TABLES)
def test_every_state_and_cause_of_a_machine_is_reachable(name: str) -> None:
    table = TABLES[name]
    (state, cause), *_ = table
    states: type[StrEnum] = type(state)
    causes: type[StrEnum] = type(cause)

    assert set(table.values()) == set(states)
    assert {one for _, one in table} == set(causes)
