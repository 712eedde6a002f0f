"""Real time: a thread goes before other programs while it must, and what it starts does not."""

import os

import pytest

from edgevoice.real_time import hurry, rest, urgently

URGENT = os.SCHED_RR | os.SCHED_RESET_ON_FORK
CALM = os.SCHED_OTHER | os.SCHED_RESET_ON_FORK


class Kernel:
    """Keeps the policies of threads, as the kernel does for a user with LimitRTPRIO=: the flag can never be dropped."""

    def __init__(self) -> None:
        self.policies: dict[int, int] = {}

    def get(self, thread: int) -> int:
        return self.policies.get(thread, os.SCHED_OTHER)

    def set(self, thread: int, policy: int, priority: os.sched_param) -> None:
        if self.get(thread) & os.SCHED_RESET_ON_FORK and not policy & os.SCHED_RESET_ON_FORK:
            raise PermissionError(1, "Operation not permitted")
        assert priority.sched_priority == (10 if policy & os.SCHED_RR else 0)
        self.policies[thread] = policy


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr("os.sched_getscheduler", kernel.get)
    monkeypatch.setattr("os.sched_setscheduler", kernel.set)
    return kernel


def test_a_thread_hurries_and_rests_again_and_again(kernel: Kernel) -> None:
    for _ in range(2):
        hurry(77)
        assert kernel.get(77) == URGENT
        rest(77)
        assert kernel.get(77) == CALM


def test_a_few_calls_are_urgent_and_those_after_them_are_not(kernel: Kernel) -> None:
    for _ in range(2):
        with urgently():
            assert kernel.get(0) == URGENT
        assert kernel.get(0) == CALM


def test_a_thread_that_is_urgent_anyway_stays_so(kernel: Kernel) -> None:
    hurry()

    with urgently():
        pass

    assert kernel.get(0) == URGENT


def test_without_permission_and_for_a_thread_that_has_ended_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (PermissionError, ProcessLookupError):

        def refuse(*_arguments: object, error: type[OSError] = error) -> None:
            raise error

        monkeypatch.setattr("os.sched_setscheduler", refuse)
        hurry(77)
        rest(77)
