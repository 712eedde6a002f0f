"""Transition tables: what the state machines of a conversation have in common. Pure.

A table maps a state and a cause to the next state, and owns every transition of its machine.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

StateT = TypeVar("StateT", bound=StrEnum)
CauseT = TypeVar("CauseT", bound=StrEnum)

_ANY = "any state"
"""What the diagram shows instead of a state if a cause leads from all other states to the same one."""


def after(table: Mapping[tuple[StateT, CauseT], StateT], state: StateT, cause: CauseT) -> StateT:
    """Return the next state. A cause that the table does not list for a state arrived late: the state stays."""
    return table.get((state, cause), state)


def diagram(table: Mapping[tuple[StateT, CauseT], StateT], start: StateT) -> str:
    """Return the state diagram as Mermaid text for the documentation; transitions to the same state are omitted."""
    states: list[str] = list(type(start))
    arrows: dict[tuple[str, str], list[str]] = {}
    for cause in dict.fromkeys(cause for _, cause in table):
        leads = {state: target for (state, one), target in table.items() if one is cause and state is not target}
        targets = set(leads.values())
        if len(leads) == len(states) - 1 and len(targets) == 1:
            arrows.setdefault((_ANY, targets.pop()), []).append(cause)
            continue
        for state, target in leads.items():
            arrows.setdefault((state, target), []).append(cause)
    names = [*states, *([_ANY] if any(state == _ANY for state, _ in arrows) else [])]
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f'    state "{name}" as {_id(name)}' for name in names if " " in name]
    lines.append(f"    [*] --> {_id(start)}")
    lines += [f"    {_id(state)} --> {_id(target)}: {' / '.join(of)}" for (state, target), of in arrows.items()]
    return "\n".join(lines)


def _id(state: str) -> str:
    return state.replace(" ", "_")
