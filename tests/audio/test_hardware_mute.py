"""The amplifier is muted with a cut, and unmuted when the card has emitted its queued audio."""

from edgevoice.audio.hardware_mute import AmplifierGate


class Amplifier:
    """Records the calls it gets."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def mute(self) -> None:
        self.done.append("mute")

    def release(self) -> None:
        self.done.append("release")


def test_an_amplifier_stays_muted_until_the_card_has_emitted_its_queued_audio() -> None:
    amplifier = Amplifier()
    gate = AmplifierGate(amplifier, flushed=960)

    assert not gate.holds(0), "nothing was muted"
    gate.mute()
    gate.hold(1000)
    assert gate.holds(1959)
    assert amplifier.done == ["mute"]
    assert not gate.holds(1960)
    assert not gate.holds(1961)
    assert amplifier.done == ["mute", "release"], "once"


def test_without_an_amplifier_mute_the_box_does_not_wait() -> None:
    gate = AmplifierGate(None, flushed=960)

    assert not gate.is_there
    gate.mute()
    assert not gate.holds(0)
