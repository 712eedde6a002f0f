import numpy as np

from edgevoice.core.sound.fade import FADE, fade_out


def test_it_falls_from_full_to_almost_nothing_without_a_step() -> None:
    gain = fade_out(FADE)

    assert gain[0] == 1
    assert (np.diff(gain) < 0).all()
    assert abs(np.diff(gain)).max() < 1.6 / FADE
    assert 0.007 < gain[-1] < 0.02, "the last sample counts as heard, in a lowered answer too"


def test_what_has_no_samples_left_needs_no_fade() -> None:
    assert len(fade_out(0)) == 0
