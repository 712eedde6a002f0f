import pytest

from edgevoice.audio.devices import sound_library
from edgevoice.audio.low_latency import suggest_output_latency


@pytest.mark.sound
@pytest.mark.usefixtures("card")
def test_a_device_suggests_the_latency_it_was_given() -> None:
    with sound_library() as library:
        suggest_output_latency(0, 0.005)
        suggest_output_latency(99, 0.005)

        assert library.get_device_info_by_index(0)["defaultLowOutputLatency"] == 0.005
        assert library.get_device_info_by_index(1)["defaultLowOutputLatency"] != 0.005
