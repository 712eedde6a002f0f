"""Traffic: a flood is noticed on a slow machine, too, and a long answer is none."""

import pytest

from edgevoice.mcp.child.traffic import Flooded, Traffic


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def read(traffic: Traffic, clock: Clock, times: int, size: int, messages: int, every_s: float) -> None:
    for _ in range(times):
        traffic.take(size, messages=messages)
        clock.now_s += every_s


def test_a_flood_is_noticed_by_a_machine_that_reads_sixty_messages_a_second() -> None:
    clock = Clock()

    with pytest.raises(Flooded, match=r"^it sends without end$"):
        read(Traffic(clock), clock, 1000, 100, 1, 1 / 60)


@pytest.mark.parametrize(("size", "messages", "every_s"), [(10 << 20, 1, 10.5), (1000, 40, 1.0)])
def test_a_long_answer_and_steady_progress_are_no_flood(size: int, messages: int, every_s: float) -> None:
    clock = Clock()

    read(Traffic(clock), clock, 100, size, messages, every_s)
