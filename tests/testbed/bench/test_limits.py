import pytest

from edgevoice.testbed.bench.limits import _cut


@pytest.mark.sound
@pytest.mark.alone
def test_every_cut_is_reported_and_silent_beside_its_floor() -> None:
    report = _cut(3)

    assert report["reported"] == 3
    assert report["floor_ms"] == {"fade": 3.0, "left_to_the_converter": 1.0, "card_period": 10}
    silent = report["silent_ms"]
    assert isinstance(silent, dict)
    assert 3 < silent["p50"] < 15
