"""A press of the talk button goes to the conversation, unless something waits for it."""

from edgevoice.box.presses import Presses
from edgevoice.core.facts import Event, MutePressed, TalkPressed


def test_only_the_next_press_of_the_talk_button_goes_to_what_waits_for_it() -> None:
    posted: list[Event] = []
    taken: list[str] = []
    presses = Presses(posted.append, lambda act: act())

    presses.post(TalkPressed(1))
    presses.give_next_to(lambda: taken.append("pressed"))
    presses.post(MutePressed())
    presses.post(TalkPressed(2))
    presses.post(TalkPressed(3))

    assert posted == [TalkPressed(1), MutePressed(), TalkPressed(3)]
    assert taken == ["pressed"]


def test_what_no_longer_waits_is_given_no_press() -> None:
    posted: list[Event] = []
    presses = Presses(posted.append, lambda act: act())

    presses.give_next_to(lambda: None)
    presses.give_next_to(None)
    presses.post(TalkPressed(1))

    assert posted == [TalkPressed(1)]
