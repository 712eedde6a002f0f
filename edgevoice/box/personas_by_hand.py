"""Personas by hand: what the control socket does with a running box's, in force from the next conversation on."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from edgevoice.control.messages import PersonasByHand, Refused
from edgevoice.errors import EdgevoiceError
from edgevoice.personas import state as states
from edgevoice.personas.persona import DEFAULT, Persona, checked_name, read, text_of
from edgevoice.personas.personas import Personas, Shelf
from edgevoice.personas.presets import PRESETS
from edgevoice.personas.state import EVERYWHERE, Choice, NothingToUndo

Fields = dict[str, Any]


async def carry_out(personas: Personas, request: PersonasByHand) -> Fields:
    """Return the fields of the reply. Raises ``Refused``."""
    try:
        return await _ACTIONS[request.action](personas, request)
    except NothingToUndo:
        raise Refused("nothing-to-undo", "there is nothing to undo") from None
    except EdgevoiceError as error:
        raise Refused(error.code, str(error), error.remedy) from error


async def _list(personas: Personas, _request: PersonasByHand) -> Fields:
    shelf = await personas.shelf()
    choice = shelf.state.choices.get(EVERYWHERE, Choice())
    rows = [
        {
            "name": name,
            "version": shelf.state.versions.get(name, 0),
            "draft": name in shelf.drafts,
            "ships": name in PRESETS or name == DEFAULT,
        }
        for name in (*shelf.names, *sorted(shelf.drafts - set(shelf.names)))
    ]
    can_undo = any(change.place == EVERYWHERE for change in shelf.state.past)
    return {
        "in_force": choice.persona,
        "voice": choice.voice,
        "speed": choice.speed,
        "personas": rows,
        "can_undo": can_undo,
    }


async def _show(personas: Personas, request: PersonasByHand) -> Fields:
    name = request.name
    draft = await personas.draft(name)
    if draft is not None:
        return {"text": text_of(draft), "draft": True}
    shelf = await personas.shelf()
    known = shelf.personas.get(name) or Persona(name=checked_name(name))
    return {"text": text_of(known), "draft": False}


async def _draft(personas: Personas, request: PersonasByHand) -> Fields:
    await personas.save_draft(read(request.name, request.text.encode()))
    return await _list(personas, request)


async def _drop(personas: Personas, request: PersonasByHand) -> Fields:
    await personas.drop_draft(checked_name(request.name))
    return await _list(personas, request)


async def _activate(personas: Personas, request: PersonasByHand) -> Fields:
    await personas.activate(request.name)
    return await _list(personas, request)


async def _undo(personas: Personas, request: PersonasByHand) -> Fields:
    def change(shelf: Shelf) -> states.PersonaState:
        return states.undo(shelf.state, EVERYWHERE)

    await personas.change(change)
    return await _list(personas, request)


_ACTIONS: Final[dict[str, Callable[[Personas, PersonasByHand], Awaitable[Fields]]]] = {
    "list": _list,
    "show": _show,
    "draft": _draft,
    "drop": _drop,
    "activate": _activate,
    "undo": _undo,
}
