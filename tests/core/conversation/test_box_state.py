from itertools import product

import pytest

from edgevoice.core.announcements import Announcement, RingDue
from edgevoice.core.conversation.announcer import Announcer
from edgevoice.core.conversation.box_state import BoxState
from edgevoice.core.conversation.deadlines import Deadline, Deadlines
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Device
from edgevoice.core.orders import Light


def test_a_new_box_is_ready() -> None:
    box = BoxState(Deadlines(), Announcer())

    assert box.light(Phase.IDLE) == (Light.IDLE, "")
    assert box.is_whole
    assert not box.is_deaf
    assert box.has_speaker


@pytest.mark.parametrize(
    ("phase", "light"),
    [
        (Phase.CONNECTING, Light.CONNECTING),
        (Phase.LISTENING, Light.LISTENING),
        (Phase.THINKING, Light.THINKING),
        (Phase.SPEAKING, Light.SPEAKING),
    ],
)
def test_a_conversation_overrides_every_other_light_because_audio_leaves_the_box(phase: Phase, light: Light) -> None:
    announcer = Announcer()
    box = BoxState(Deadlines(), announcer)
    box.is_muted = True
    box.lose(Device.SPEAKER)
    box.show_trouble("no-credit", until=9)
    announcer.start_ring(RingDue(1), until=9)

    assert box.light(phase) == (light, "")


@pytest.mark.parametrize(
    ("rings", "announces", "lost", "impaired", "troubled", "muted"), list(product([True, False], repeat=6))
)
def test_an_idle_box_shows_what_matters_most(
    *,
    rings: bool,
    announces: bool,
    lost: bool,
    impaired: bool,
    troubled: bool,
    muted: bool,
) -> None:
    announcer = Announcer()
    box = BoxState(Deadlines(), announcer)
    box.is_muted = muted
    if announces:
        announcer.queue(Announcement("post", "post"))
        announcer.begin()
    if rings:
        announcer.start_ring(RingDue(1), until=9)
    if lost:
        box.lose(Device.MICROPHONE)
    if impaired:
        box.impairment = "wakeword-behind"
    if troubled:
        box.show_trouble("no-credit", until=9)

    in_order = [
        (rings, (Light.RINGING, "")),
        (announces, (Light.ANNOUNCING, "")),
        (lost, (Light.FAULT, "microphone")),
        (impaired, (Light.FAULT, "wakeword-behind")),
        (troubled, (Light.FAULT, "no-credit")),
        (muted, (Light.MUTED, "")),
        (True, (Light.IDLE, "")),
    ]
    assert box.light(Phase.IDLE) == next(light for is_so, light in in_order if is_so)


def test_the_device_that_was_lost_first_is_shown() -> None:
    box = BoxState(Deadlines(), Announcer())
    box.lose(Device.SPEAKER)
    box.lose(Device.MICROPHONE)

    assert box.light(Phase.IDLE) == (Light.FAULT, "speaker")
    box.regain(Device.SPEAKER)
    assert box.light(Phase.IDLE) == (Light.FAULT, "microphone")


def test_a_box_is_deaf_without_a_microphone_or_when_muted_but_not_without_a_speaker() -> None:
    box = BoxState(Deadlines(), Announcer())
    box.lose(Device.SPEAKER)
    assert not box.is_deaf
    box.lose(Device.MICROPHONE)
    assert box.is_deaf
    box.regain(Device.MICROPHONE)
    box.is_muted = True
    assert box.is_deaf


def test_trouble_is_shown_until_its_time_is_up_or_it_is_cleared() -> None:
    deadlines = Deadlines()
    box = BoxState(deadlines, Announcer())
    box.show_trouble("no-credit", until=6)

    assert deadlines.at(Deadline.FAULT) == 6
    box.forget_trouble()
    assert deadlines.at(Deadline.FAULT) is None
    assert box.light(Phase.IDLE) == (Light.IDLE, "")
