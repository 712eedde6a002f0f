"""Which persona speaks, and what was changed of it by speech: one state, small setters, undo and reset. Pure.

Each setter returns a new state. The state holds what ``undo`` needs: what each change has replaced.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from edgevoice.personas.persona import DEFAULT, Persona

MOST_CHANGES: Final = 50
"""Changes that can be undone, over all places; older ones are final."""

EVERYWHERE: Final = ""
"""The place of all conversations that have no place of their own: a wake word with a persona of its own has one."""

_T = TypeVar("_T")


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which persona speaks in one place, and the voice and the speed that somebody asked for instead of its own."""

    persona: str = DEFAULT
    voice: str | None = None
    speed: float | None = None


class PersonaChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one change has replaced: the choice of a place, and with ``name``, which version that persona had."""

    place: str
    choice: Choice | None
    name: str = ""
    version: int | None = None


class PersonaState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that can be chosen.

    ``choices``: by place; one that is missing is as the settings say. ``versions``: the version in force of each
    persona that has been edited. ``past``: what can be undone, the newest last.
    """

    choices: Mapping[str, Choice] = {}
    versions: Mapping[str, int] = {}
    past: tuple[PersonaChange, ...] = ()


class NothingToUndo(ValueError):
    """No change has been made in this place, or all of them have been undone."""


def choose(state: PersonaState, place: str, before: Choice, persona: Persona) -> PersonaState:
    """Let a persona speak in a place where ``before`` is the choice in force.

    A voice or a speed that somebody asked for stays, unless the persona has one of its own.
    """
    voice = before.voice if persona.voice is None else None
    speed = before.speed if persona.speed is None else None
    return _chosen(state, place, before, Choice(persona.name, voice, speed))


def speak_with(state: PersonaState, place: str, before: Choice, voice: str) -> PersonaState:
    """Let the persona of a place speak with another voice."""
    return _chosen(state, place, before, structs.replace(before, voice=voice))


def speak_at(state: PersonaState, place: str, before: Choice, speed: float) -> PersonaState:
    """Let the persona of a place speak at another speed."""
    return _chosen(state, place, before, structs.replace(before, speed=speed))


def reset(state: PersonaState, place: str) -> PersonaState:
    """Let the persona speak in a place that the settings name for it."""
    if place not in state.choices:
        return state
    return _changed(state, PersonaChange(place, state.choices[place]), choices=_without(state.choices, place))


def activate(state: PersonaState, place: str, persona: Persona, version: int) -> PersonaState:
    """Put a version of a persona in force, in all places, and let it speak in this one."""
    before = state.choices.get(place)
    change = PersonaChange(place, before, persona.name, state.versions.get(persona.name))
    choices = {**state.choices, place: Choice(persona.name)}
    # The version 0 is the one that ships, and needs no entry.
    versions = {**state.versions, persona.name: version} if version else _without(state.versions, persona.name)
    if choices == state.choices and versions == state.versions:
        return state
    return _changed(state, change, choices=choices, versions=versions)


def undo(state: PersonaState, place: str) -> PersonaState:
    """Take back the last change that was made in a place; raises ``NothingToUndo``."""
    number = next((number for number in reversed(range(len(state.past))) if state.past[number].place == place), None)
    if number is None:
        raise NothingToUndo
    change = state.past[number]
    choices, versions = _without(state.choices, place), state.versions
    if change.choice is not None:
        choices = {**choices, place: change.choice}
    if change.name:
        versions = _without(versions, change.name)
        if change.version is not None:
            versions = {**versions, change.name: change.version}
    return PersonaState(choices, versions, state.past[:number] + state.past[number + 1 :])


def forget(state: PersonaState, name: str) -> PersonaState:
    """Remove every trace of a persona that no longer exists: where it spoke, it is as the settings say."""
    past = (
        change
        for change in state.past
        if change.name != name and (change.choice is None or change.choice.persona != name)
    )
    choices = {place: choice for place, choice in state.choices.items() if choice.persona != name}
    return PersonaState(choices, _without(state.versions, name), tuple(past))


def _chosen(state: PersonaState, place: str, before: Choice, choice: Choice) -> PersonaState:
    if choice == before:
        return state
    return _changed(state, PersonaChange(place, state.choices.get(place)), choices={**state.choices, place: choice})


def _changed(
    state: PersonaState,
    change: PersonaChange,
    *,
    choices: Mapping[str, Choice],
    versions: Mapping[str, int] | None = None,
) -> PersonaState:
    past = (*state.past, change)[-MOST_CHANGES:]
    return PersonaState(choices, state.versions if versions is None else versions, past)


def _without(entries: Mapping[str, _T], name: str) -> dict[str, _T]:
    return {each: entry for each, entry in entries.items() if each != name}
