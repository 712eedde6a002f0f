"""The virtual card's ring, in real time."""

import time

import numpy as np
import pytest

from edgevoice.audio.alsa import AlsaError, Pcm
from edgevoice.audio.card_ring import CardRing, RingUnavailable
from edgevoice.testbed.virtual import VirtualCard

pytestmark = pytest.mark.sound

AHEAD = 240
"""Samples, 10 ms, that a busy machine may take from the look at the card to the writing."""


@pytest.mark.parametrize("rate_hz", [None, 48_000], ids=["its own rate", "48 kHz only"])
def test_what_was_written_is_replaced_and_a_silent_card_runs_on(rate_hz: int | None) -> None:
    with VirtualCard(card_rate_hz=rate_hz) as card:
        card.install()
        ring = CardRing("edgevoice_dac")
        try:
            ring.renumber(0)
            ring.write(np.full(960, 10_000, np.int16), ring.reach(AHEAD))
            place = ring.reach(AHEAD)
            ring.write(np.full(200, -10_000, np.int16), place)
            ring.write(np.zeros(700, np.int16), place + 200)
            time.sleep(0.2)
            xruns, state = ring.xruns, card.far_end.header.is_running
            late = ring.reach(AHEAD)
            ring.write(np.full(240, 5000, np.int16), late)
            time.sleep(0.05)
            position, at_s = ring.emitted()
        finally:
            ring.close()
        tape = card.far_end
        samples = tape.samples().reshape(-1, tape.header.channels)[:, 0].astype(int)
        apart = tape.frame_at(at_s) / ring.rate_hz - position / 24_000

    assert (xruns, state) == (0, True)
    assert ring.runs_free
    per = ring.rate_hz // 24_000
    first, second, third = (np.flatnonzero(np.abs(samples - level) < 100) for level in (10_000, -10_000, 5000))
    assert second[0] - first[-1] < 12 * per
    assert len(second) == pytest.approx(200 * per, abs=12 * per)
    assert len(third) == pytest.approx(240 * per, abs=20 * per)
    assert (third[-1] - second[-1]) / per == pytest.approx(late + 240 - (place + 200), abs=12)
    assert third[-1] / ring.rate_hz == pytest.approx(apart + (late + 240) / 24_000, abs=0.002)


def test_what_has_no_ring_of_its_own_is_refused(card: VirtualCard) -> None:
    settings = card.folder / "asound.conf"
    server = 'pcm.server { type null }\npcm.slow { type plug slave { pcm "edgevoice_dac" rate 44100 } }\n'
    settings.write_text(settings.read_text() + server)

    with pytest.raises(RingUnavailable, match="not a card of its own"):
        CardRing("server")
    with pytest.raises(RingUnavailable, match="cannot be written again"):
        CardRing("slow")
    with pytest.raises(RingUnavailable, match="does not open"):
        CardRing("absent")


def test_an_unplugged_card_is_an_error(card: VirtualCard) -> None:
    ring = CardRing("edgevoice_dac")
    card.unplug()
    time.sleep(0.01)

    with pytest.raises(AlsaError):
        ring.reach()
    with pytest.raises(AlsaError, match="No such device"):
        Pcm("edgevoice_dac")
    ring.close()
