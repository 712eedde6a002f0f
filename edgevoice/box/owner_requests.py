"""What only the owner asks of the box through the control socket: personas, an examination, pairing a browser."""

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, assert_never

from edgevoice import children
from edgevoice.box.pairing import Pairing
from edgevoice.control.messages import Examine, ForOwner, Pair, PersonasByHand, Refused
from edgevoice.integrations.control.commands import no_personas

if TYPE_CHECKING:
    from edgevoice.personas.personas import Personas

EXAMINE: Final = ("nice", *children.python("edgevoice", "doctor", "--quick", "--json"))
"""A process of its own: what is examined, the pins and the network above all, must not hold up the loop."""


def examination_of(settings_file: Path | None) -> tuple[str, ...]:
    """Return the command that examines the box which was given this settings file, or none."""
    return EXAMINE if settings_file is None else (*EXAMINE, "--config", str(settings_file))


_EXAMINE_S: Final = 180.0
"""Longer than all limits of its checks, which say what hung: 130 s for the service inside the box, 40 s for servers."""

Fields = dict[str, Any]


class OwnerRequests:
    """Carries out what only the owner asks for. ``personas`` returns those of the box, ``None`` if it has none."""

    def __init__(
        self, personas: "Callable[[], Personas | None]", pairing: Pairing, examine: Sequence[str] = EXAMINE
    ) -> None:
        self._personas = personas
        self._pairing = pairing
        self._examine = examine
        self._examining: asyncio.Task[Fields] | None = None

    async def carry_out(self, request: ForOwner) -> Fields:
        """Return the fields of the reply. Raises ``Refused``."""
        match request:
            case PersonasByHand():
                return await self._with_personas(request)
            case Pair():
                return await self._pairing.carry_out(request)
            case Examine():
                return await self._examination()
            case _:
                assert_never(request)

    # --- personas -----------------------------------------------------------------------------------------------------

    async def _with_personas(self, request: PersonasByHand) -> Fields:
        personas = self._personas()
        if personas is None:
            raise no_personas()
        # Loaded only for a box that has personas: SQLite costs a megabyte.
        from edgevoice.box.personas_by_hand import carry_out  # noqa: PLC0415

        return await carry_out(personas, request)

    # --- the doctor ---------------------------------------------------------------------------------------------------

    async def _examination(self) -> Fields:
        # One for all who ask meanwhile: it takes a second of the processor.
        if self._examining is None or self._examining.done():
            self._examining = asyncio.get_running_loop().create_task(_examined(self._examine), name="doctor")
            # All who asked may have left before it fails; the loop would take that for an error of ours.
            self._examining.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return await asyncio.shield(self._examining)


async def _examined(command: Sequence[str]) -> Fields:
    """Run the doctor, and return what it found."""
    try:
        # With the key, as the box has it: whether it is accepted is one of the findings.
        child = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, process_group=0
        )
    except OSError as error:
        raise Refused("failed", f"the doctor does not start: {error.strerror}", "Run `edgevoice doctor`.") from error
    try:
        async with asyncio.timeout(_EXAMINE_S):
            output, _ = await child.communicate()
        found = json.loads(output)
        return {"is_fine": bool(found["is_fine"]), "findings": list(found["findings"])}
    except (TimeoutError, ValueError, KeyError, TypeError):
        raise Refused("failed", "the doctor has not come to an end", "Run `edgevoice doctor`.") from None
    finally:
        await children.end(child)
