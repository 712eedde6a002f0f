"""The judge of soaks finds what is wrong in a record, and does not object to what is right."""

from dataclasses import replace

import numpy as np
import pytest

from edgevoice.testbed.soak.judge import SoakVerdict, judge
from edgevoice.testbed.soak.record import Episode, FaultKind, Moment, QuestionAsked, Record, Rest, Sample
from edgevoice.testbed.soak.slope import slope_of

HALF_S = 3.0
LENGTH_S = 600.0


def sample(at_s: float, *, rss_mb: float = 100.0, threads: int = 9, files: int = 12) -> Sample:
    return Sample(at_s, rss_mb, rss_mb - 40, threads, files, 0)


def good(*, growth_mb_per_hour: float = 0.0, noise_mb: float = 0.05) -> Record:
    """Ten minutes in which nothing is wrong."""
    chance = np.random.default_rng(3)
    record = Record(seed=1, watchdog_half_s=HALF_S, began_s=0, ended_s=LENGTH_S)
    record.fed = [float(at_s) for at_s in np.arange(1, LENGTH_S, HALF_S)]
    for at_s in np.arange(10.0, LENGTH_S, 20.0):
        # A box warms up: memory that it loads in its first minutes is not a leak.
        warming_mb = -5 * np.exp(-at_s / 30)
        rss_mb = 100 + warming_mb + growth_mb_per_hour * at_s / 3600 + noise_mb * chance.standard_normal()
        record.rests.append(Rest(sample(float(at_s), rss_mb=float(rss_mb)), tasks=7))
        record.asked.append(QuestionAsked(float(at_s), is_heard=True, is_answered=True))
    record.episodes = [
        Episode(kind, Moment.ASKING, 20.0 * index, 20.0 * index + 2, 20.0 * index + 2.5)
        for index, kind in enumerate(FaultKind, 1)
    ]
    record.samples = [rest.sample for rest in record.rests]
    record.calls = record.wakes = len(record.asked) + len(record.episodes)
    return record


def with_episode(kind: FaultKind, recovered_s: float | None, moment: Moment = Moment.ASKING) -> SoakVerdict:
    record = good()
    record.episodes.append(Episode(kind, moment, 300.0, 302.0, recovered_s))
    return judge(record)


def test_a_soak_without_faults_passes() -> None:
    verdict = judge(good())

    assert verdict.failures == ()
    assert verdict.report["holds"] is True
    assert verdict.report["faults"] == len(FaultKind)


def test_leaking_memory_fails() -> None:
    verdict = judge(good(growth_mb_per_hour=60))

    assert len(verdict.failures) == 1
    assert "memory grows by" in verdict.failures[0]


def test_a_leak_of_a_few_mb_per_hour_is_found_in_an_hour_but_not_in_ten_minutes() -> None:
    """What ten minutes cannot distinguish from an allocator settling is neither a failure nor reported as proved."""
    memory = judge(good(growth_mb_per_hour=4)).report["memory"]
    assert isinstance(memory, dict)
    assert memory["limit_is_proved"] is False
    assert 4 < memory["least_leak_found_mb_per_hour"] < 20
    assert judge(good(growth_mb_per_hour=4)).failures == ()

    long = good(growth_mb_per_hour=4)
    long.rests = [
        replace(rest, sample=replace(rest.sample, at_s=10 * rest.sample.at_s, rss_mb=100 + rest.sample.at_s / 90))
        for rest in long.rests
    ]
    assert ["memory grows by" in failure for failure in judge(long).failures] == [True]


def test_warm_up_and_allocator_steps_do_not_count_as_a_leak() -> None:
    record = good()
    record.rests[12] = replace(record.rests[12], sample=replace(record.rests[12].sample, rss_mb=140.0))

    assert judge(record).failures == ()


def test_a_result_that_minutes_cannot_prove_is_not_reported_as_proved() -> None:
    memory = judge(good(noise_mb=1.0)).report["memory"]

    assert isinstance(memory, dict)
    assert memory["limit_is_proved"] is False
    assert memory["rss_slope_mb_per_hour"]["high_95"] > 1


def test_steady_memory_proves_the_limit() -> None:
    memory = judge(good(noise_mb=0.001)).report["memory"]

    assert isinstance(memory, dict)
    assert memory["limit_is_proved"] is True


@pytest.mark.parametrize("name", ["threads", "descriptors", "tasks"])
def test_one_more_at_rest_after_every_tenth_fault_is_a_leak(name: str) -> None:
    record = good()
    for index, rest in enumerate(record.rests):
        more = index // 10
        record.rests[index] = {
            "threads": replace(rest, sample=replace(rest.sample, threads=9 + more)),
            "descriptors": replace(rest, sample=replace(rest.sample, files=12 + more)),
            "tasks": replace(rest, tasks=7 + more),
        }[name]

    assert [failure.split()[0] for failure in judge(record).failures] == [name]


def test_a_thread_seen_only_once_does_not_count_as_a_leak() -> None:
    record = good()
    for index in (10, 20, len(record.rests) - 1):
        rest = record.rests[index]
        record.rests[index] = replace(rest, sample=replace(rest.sample, threads=11))

    assert judge(record).failures == ()


def test_without_idle_periods_nothing_is_reported_as_proved() -> None:
    record = good()
    record.rests = record.rests[:1]

    assert "there were too few rests to look for leaks" in judge(record).failures


def test_a_watchdog_that_is_fed_late_fails() -> None:
    record = good()
    del record.fed[100]  # twice the half period: systemd would have killed the box

    (failure,) = judge(record).failures
    assert "the watchdog was fed after 6.0 s" in failure


def test_a_watchdog_that_is_never_fed_again_fails() -> None:
    record = good()
    del record.fed[150:]

    assert "the watchdog was fed after" in judge(record).failures[0]


def test_a_watchdog_that_was_never_fed_fails() -> None:
    record = good()
    record.fed = []

    assert "the watchdog was never fed" in judge(record).failures


def test_a_watchdog_not_fed_while_the_card_is_unplugged_fails() -> None:
    record = good()
    record.episodes.append(Episode(FaultKind.CARD_UNPLUGGED, Moment.AT_REST, 300.0, 308.0, 309.0))
    record.fed = [at_s for at_s in record.fed if not 300 < at_s < 312]

    assert any("watchdog" in failure for failure in judge(record).failures)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_box_that_does_not_come_back_fails(kind: FaultKind) -> None:
    assert f"after {kind} (asking) the box listened never" in with_episode(kind, None).failures


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_box_that_comes_back_after_more_than_10_s_fails(kind: FaultKind) -> None:
    assert f"after {kind} (asking) the box listened only 10.5 s later" in with_episode(kind, 312.5).failures


@pytest.mark.parametrize(
    ("kind", "wait_s", "is_well"),
    [
        (FaultKind.CARD_UNPLUGGED, 1.9, True),
        (FaultKind.CARD_UNPLUGGED, 2.1, False),
        (FaultKind.SOUND_SERVER_KILLED, 2.1, False),
        (FaultKind.LINK_CUT, 2.9, True),
        (FaultKind.LINK_CUT, 9.0, False),
        (FaultKind.STALL, 9.0, True),
    ],
)
def test_the_limits_for_link_and_card_are_stricter(kind: FaultKind, wait_s: float, *, is_well: bool) -> None:
    assert (not with_episode(kind, 302.0 + wait_s).failures) is is_well


def miss(record: Record, index: int, *, is_heard: bool = False, overflows: int = 0) -> None:
    record.asked[index] = QuestionAsked(
        record.asked[index].at_s, is_heard=is_heard, is_answered=False, overflows=overflows
    )


def test_one_missed_call_without_a_fault_to_excuse_it_fails() -> None:
    record = good()
    miss(record, 5)

    verdict = judge(record)
    assert verdict.failures == ("the question at 1.83 min was not heard, although there was no fault",)
    assert verdict.report["questions"] == {
        "asked": 30,
        "heard": 29,
        "answered": 29,
        "excused": 0,
        "called": 38,
        "woke": 38,
    }


def test_one_call_that_is_heard_but_not_answered_fails() -> None:
    record = good()
    miss(record, 5, is_heard=True)

    assert judge(record).failures == (
        "the question at 1.83 min was heard but not answered, although there was no fault",
    )


def test_a_box_deaf_for_one_conversation_after_each_sound_server_restart_fails() -> None:
    record = good()
    record.episodes = []
    for index in range(0, 30, 7):
        began_s = record.asked[index].at_s - 8
        record.episodes.append(
            Episode(FaultKind.SOUND_SERVER_KILLED, Moment.AT_REST, began_s, began_s + 0.3, began_s + 1)
        )
        miss(record, index)

    assert len(judge(record).failures) == 5


def test_a_call_with_samples_lost_by_the_card_is_excused_and_counted() -> None:
    record = good()
    miss(record, 5, overflows=1)

    verdict = judge(record)
    assert verdict.failures == ()
    questions = verdict.report["questions"]
    assert isinstance(questions, dict)
    assert (questions["answered"], questions["excused"]) == (29, 1)


def test_a_soak_with_many_overflows_proves_nothing() -> None:
    record = good()
    for index in range(7):
        miss(record, index, overflows=2)

    assert judge(record).failures == ("7 of 30 questions met overflows of the card: the soak proves nothing",)


def test_overflows_neither_excuse_an_answered_call_nor_count_as_a_fault() -> None:
    record = good()
    record.asked = [replace(asked, overflows=1) for asked in record.asked]

    assert judge(record).failures == ()


def test_a_soak_without_a_question_fails() -> None:
    record = good()
    record.asked = []

    assert judge(record).failures == ("nothing was asked",)


def test_a_box_that_wakes_without_a_call_fails() -> None:
    record = good()
    record.wakes += 1

    assert judge(record).failures == ("the box woke 39 times but was called 38 times",)


def test_an_error_in_the_soak_itself_is_a_failure() -> None:
    record = good()
    record.troubles.append("the daemon ended with status 1")

    assert judge(record).failures == ("the daemon ended with status 1",)


def test_a_slope_needs_four_points_and_has_the_right_sign() -> None:
    assert slope_of([0, 1, 2], [0, 1, 2]) is None
    falling = slope_of(range(10), [-3 * at for at in range(10)])
    assert falling is not None
    assert (falling.low, falling.value, falling.high) == (-3, -3, -3)


def test_the_interval_contains_the_true_slope_as_often_as_its_confidence_level() -> None:
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        slope = slope_of(np.arange(20), 0.5 * np.arange(20) + chance.standard_normal(20))
        assert slope is not None
        held += slope.low <= 0.5 <= slope.high

    assert held > 0.93 * 400
