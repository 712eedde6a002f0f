from edgevoice.audio.unemitted import Unemitted


def rendered() -> Unemitted[str, str]:
    """Return two blocks of 100 with a fact in each, at 50 and at 150."""
    unemitted = Unemitted[str, str]()
    unemitted.began(0, "at 0")
    unemitted.wait(0, 50, "first")
    unemitted.began(100, "at 100")
    unemitted.wait(100, 150, "second")
    return unemitted


def test_a_fact_is_true_once_nothing_before_it_can_be_taken_back() -> None:
    unemitted = rendered()

    assert unemitted.next_due == 50
    assert unemitted.pop_due(49) == []
    assert unemitted.pop_due(50) == ["first"]
    assert unemitted.pop_due(149) == []
    assert unemitted.pop_due(500) == ["second"]
    assert unemitted.next_due is None


def test_what_is_taken_back_is_not_reported() -> None:
    unemitted = rendered()

    assert unemitted.take_back(120) == (100, "at 100")
    assert unemitted.pop_due(500) == ["first"]


def test_a_fact_of_the_part_that_stays_is_kept() -> None:
    unemitted = rendered()

    assert unemitted.take_back(160) == (100, "at 100")
    assert unemitted.pop_due(500) == ["first", "second"]


def test_a_fact_at_the_very_begin_of_a_block_comes_again_with_that_block() -> None:
    unemitted = rendered()
    unemitted.wait(100, 100, "at once")

    assert unemitted.take_back(100) == (100, "at 100")
    assert unemitted.pop_due(500) == ["first"]


def test_what_was_rendered_before_a_change_cannot_be_taken_back_after_it() -> None:
    unemitted = rendered()
    unemitted.take_back(120)

    assert unemitted.take_back(110) is None


def test_blocks_that_were_emitted_are_forgotten() -> None:
    unemitted = rendered()
    unemitted.pop_due(100)

    assert unemitted.take_back(99) is None
