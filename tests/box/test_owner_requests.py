"""What only the owner asks for: the doctor runs once for all who ask, and personas only where there are any."""

import asyncio
import gc
import sys
import time
from pathlib import Path

import pytest

from edgevoice.box.owner_requests import EXAMINE, OwnerRequests, examination_of
from edgevoice.box.pairing import Pairing
from edgevoice.box.presses import Presses
from edgevoice.control.messages import Examine, Pair, PersonasByHand, Refused
from edgevoice.host.strays import strays_caught
from edgevoice.personas.personas import Personas


async def say_nothing(_text: str) -> None:
    """Say nothing."""


def requests(*command: str, personas: Personas | None = None) -> OwnerRequests:
    pairing = Pairing(say_nothing, Presses(lambda _event: None, lambda act: act()), time.monotonic)
    return OwnerRequests(lambda: personas, pairing, command or EXAMINE)


def test_the_doctor_examines_the_box_with_the_settings_file_that_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"

    assert examination_of(file) == (*EXAMINE, "--config", str(file))
    assert examination_of(None) == EXAMINE


def test_the_doctor_is_run_once_for_all_who_ask_at_the_same_time(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"print('{{\"is_fine\": true, \"findings\": [1]}}'); open({str(runs)!r}, 'a').write('x')"

    async def scene() -> list[object]:
        owner = requests(sys.executable, "-c", code)
        return list(await asyncio.gather(*(owner.carry_out(Examine()) for _ in range(3))))

    assert asyncio.run(scene()) == [{"is_fine": True, "findings": [1]}] * 3
    assert runs.read_text() == "x"


@pytest.mark.parametrize("code", ["print('[]')", "print('rubbish')", "pass"])
def test_a_doctor_that_says_nothing_of_use_is_a_refusal(code: str) -> None:
    async def scene() -> None:
        await requests(sys.executable, "-c", code).carry_out(Examine())

    with pytest.raises(Refused, match="the doctor has not come to an end"):
        asyncio.run(scene())


def test_a_doctor_that_fails_after_all_who_asked_have_left_does_not_end_the_box() -> None:
    async def scene() -> None:
        with strays_caught() as stray:
            owner = requests(sys.executable, "-c", "pass")
            asking = asyncio.create_task(owner.carry_out(Examine()))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "doctor"})
            del owner, asking
            gc.collect()
            await asyncio.sleep(0)
            assert not stray.done()

    asyncio.run(scene())


def test_a_doctor_that_does_not_start_is_a_refusal() -> None:
    with pytest.raises(Refused, match="does not start"):
        asyncio.run(requests("/nonexistent/doctor").carry_out(Examine()))


def test_a_box_without_personas_says_how_to_have_them() -> None:
    with pytest.raises(Refused, match="this box has no personas") as refused:
        asyncio.run(requests().carry_out(PersonasByHand()))

    # They may be enabled, and their file not open: a full disk.
    assert "personas.enabled = true" in refused.value.remedy
    assert "journalctl -u edgevoice" in refused.value.remedy


def test_personas_and_pairing_are_reached(tmp_path: Path) -> None:
    async def scene() -> tuple[str, int]:
        async with Personas(tmp_path) as personas:
            owner = requests(personas=personas)
            listed = await owner.carry_out(PersonasByHand())
            return listed["in_force"], (await owner.carry_out(Pair(action="begin")))["seconds"]

    assert asyncio.run(scene()) == ("default", 120)
