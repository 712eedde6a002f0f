"""Only somebody who presses the button and hears the digits can pair a browser."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest

from edgevoice.box.pairing import TRIES, WINDOW_S, Pairing
from edgevoice.box.presses import Presses
from edgevoice.control.messages import Pair, Refused
from edgevoice.core.facts import Event, TalkPressed
from tests import virtual_time


class Bench:
    """A pairing with a button; ``said`` is what the box has said, ``posted`` what the conversation was given."""

    def __init__(self, refusal: Refused | None = None) -> None:
        self.said: list[str] = []
        self.posted: list[Event] = []
        self.refusal = refusal
        self.presses = Presses(self.posted.append, lambda act: act())
        self.pairing = Pairing(self._say, self.presses, asyncio.get_running_loop().time, lambda _below: 4217)

    async def _say(self, text: str) -> None:
        await asyncio.sleep(3)
        if self.refusal is not None:
            raise self.refusal
        self.said.append(text)

    def press(self) -> None:
        self.presses.post(TalkPressed(0))

    async def ask(
        self,
        action: Literal["begin", "wait", "answer", "cancel", "press"],
        pairing: str = "",
        digits: str = "",
    ) -> dict[str, Any]:
        return await self.pairing.carry_out(Pair(action=action, pairing=pairing, digits=digits))

    async def refused(self, asking: Awaitable[object]) -> str:
        with pytest.raises(Refused) as refused:
            await asking
        return refused.value.code

    async def begun(self) -> str:
        return str((await self.ask("begin"))["pairing"])

    async def spoken(self) -> str:
        """Begin, press the button, and wait until the digits are said."""
        pairing = await self.begun()
        self.press()
        await self.ask("wait", pairing)
        return pairing


def run(scene: Callable[[Bench], Awaitable[None]], refusal: Refused | None = None) -> None:
    async def played() -> None:
        await scene(Bench(refusal))

    virtual_time.run(played())


def test_a_press_makes_the_box_say_six_digits_and_they_pair_the_browser() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.spoken()
        assert bench.said == ["The digits for the page are: 0, 0, 4, 2, 1, 7. Once more: 0, 0, 4, 2, 1, 7."]
        assert bench.posted == []  # no conversation begins
        assert (await bench.ask("answer", pairing, "004217"))["paired"]
        assert await bench.refused(bench.ask("answer", pairing, "004217")) == "no-pairing"  # once only
        bench.press()
        assert bench.posted == [TalkPressed(0)]

    run(scene)


def test_the_digits_are_worth_nothing_before_the_button_was_pressed() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.begun()
        for guess in ("", "000000", "004217"):
            assert await bench.refused(bench.ask("answer", pairing, guess)) == "no-pairing"
        assert bench.said == []

    run(scene)


def test_five_wrong_tries_end_a_pairing_and_then_the_right_digits_do_not_help() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.spoken()
        codes = [await bench.refused(bench.ask("answer", pairing, f"{guess:06}")) for guess in range(TRIES)]
        assert codes == ["wrong-digits"] * (TRIES - 1) + ["no-pairing"]
        assert await bench.refused(bench.ask("answer", pairing, "004217")) == "no-pairing"

    run(scene)


def test_all_guesses_of_an_hour_are_few_however_fast_they_come() -> None:
    async def scene(bench: Bench) -> None:
        guesses = 0
        for _ in range(3600):
            await asyncio.sleep(1)
            try:
                pairing = await bench.begun()
            except Refused:
                continue
            bench.press()  # somebody even presses each time
            await bench.ask("wait", pairing)
            for guess in range(100_000, 100_020):
                code = await bench.refused(bench.ask("answer", pairing, str(guess)))
                guesses += code == "wrong-digits"
        assert guesses <= 6 * 3 * TRIES

    run(scene)


def test_a_pairing_is_over_after_two_minutes() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.spoken()
        await asyncio.sleep(WINDOW_S)
        assert await bench.refused(bench.ask("answer", pairing, "004217")) == "no-pairing"
        assert await bench.begun()

    run(scene)


def test_waiting_for_a_press_that_never_comes_ends_with_the_window_and_gives_the_button_back() -> None:
    async def scene(bench: Bench) -> None:
        began = asyncio.get_running_loop().time()
        assert await bench.refused(bench.ask("wait", await bench.begun())) == "no-pairing"
        assert asyncio.get_running_loop().time() - began == pytest.approx(WINDOW_S)
        bench.press()
        assert bench.posted == [TalkPressed(0)]

    run(scene)


def test_only_one_browser_is_paired_at_a_time_and_another_cannot_answer_for_it() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.spoken()
        assert await bench.refused(bench.ask("begin")) == "too-many"
        assert await bench.refused(bench.ask("answer", "another", "004217")) == "no-pairing"
        assert await bench.refused(bench.ask("wait", "another")) == "no-pairing"
        assert (await bench.ask("answer", pairing, "004217"))["paired"]

    run(scene)


def test_who_keeps_beginning_in_vain_must_wait_and_cannot_keep_the_button() -> None:
    async def scene(bench: Bench) -> None:
        for _ in range(3):
            await bench.ask("cancel", await bench.begun())
        assert await bench.refused(bench.ask("begin")) == "too-many"
        bench.press()
        assert bench.posted == [TalkPressed(0)]
        await asyncio.sleep(600)
        assert await bench.begun()

    run(scene)


def test_a_box_without_a_button_is_pressed_by_a_command() -> None:
    async def scene(bench: Bench) -> None:
        assert await bench.refused(bench.ask("press")) == "no-pairing"
        pairing = await bench.begun()
        await bench.ask("press")
        assert await bench.refused(bench.ask("press")) == "no-pairing"  # once
        await bench.ask("wait", pairing)
        assert (await bench.ask("answer", pairing, "004217"))["paired"]

    run(scene)


def test_a_box_that_cannot_speak_says_so_and_the_pairing_is_over() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.begun()
        bench.press()
        assert await bench.refused(bench.ask("wait", pairing)) == "speaker"
        assert await bench.refused(bench.ask("answer", pairing, "004217")) == "no-pairing"

    run(scene, Refused("speaker", "the speaker is gone"))


def test_a_pairing_that_is_cancelled_is_no_longer_spoken() -> None:
    async def scene(bench: Bench) -> None:
        pairing = await bench.begun()
        bench.press()
        await asyncio.sleep(1)
        await bench.ask("cancel", pairing)
        await asyncio.sleep(10)
        assert bench.said == []

    run(scene)
