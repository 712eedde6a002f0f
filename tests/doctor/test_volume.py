"""The doctor's line on the volume."""

import pytest

from edgevoice.audio.card_volume import FoundControl
from edgevoice.audio.mixer import MixerPlace, Scale
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.volume import judge_volume, probe_volume
from edgevoice.settings.sound import SpeakerSettings

PLACE = MixerPlace("hw:Jabra", is_alone=True)


@pytest.mark.parametrize(
    ("mixer", "found", "mark", "text", "remedy"),
    [
        (
            "auto",
            FoundControl(PLACE, Scale("PCM", -60.0, 0.0, -12.0), "", ("PCM",)),
            FindingStatus.FINE,
            'set by the control "PCM" of hw:Jabra, which goes down to -60 dB and is at -12 dB',
            "",
        ),
        (
            "PCM",
            FoundControl(PLACE, Scale("PCM", -99999.99, 4.0, 0.0), "", ("PCM",)),
            FindingStatus.FINE,
            'set by the control "PCM" of hw:Jabra, which goes down to silence and is at 0 dB',
            "",
        ),
        (
            "auto",
            FoundControl(PLACE, None, "other programs may play on the same card", ("PCM", "Mic")),
            FindingStatus.FINE,
            'set in software: other programs may play on the same card; speaker.mixer could name "PCM", "Mic"',
            "",
        ),
        ("auto", FoundControl(PLACE, None, "no mixer: x"), FindingStatus.FINE, "set in software: no mixer: x", ""),
        ("software", FoundControl(PLACE), FindingStatus.FINE, "set in software, as speaker.mixer says", ""),
        (
            "Master",
            FoundControl(PLACE, None, "no such", ("PCM",)),
            FindingStatus.DOUBTFUL,
            "set in software: no such",
            'Set speaker.mixer to one of "PCM", or to "software".',
        ),
        (
            "Master",
            FoundControl(PLACE, None, "no mixer: x"),
            FindingStatus.DOUBTFUL,
            "set in software: no mixer: x",
            'Set speaker.mixer to "software".',
        ),
    ],
)
def test_it_says_what_sets_the_volume(
    mixer: str, found: FoundControl, mark: FindingStatus, text: str, remedy: str
) -> None:
    finding = judge_volume(SpeakerSettings(mixer=mixer), found)

    assert (finding.mark, finding.text, finding.remedy) == (mark, text, remedy)


def test_a_card_that_is_not_there_has_no_mixer() -> None:
    found = probe_volume(SpeakerSettings(device="plughw:CARD=Nowhere", mixer="PCM"))

    assert found.scale is None
    assert found.why.startswith("no mixer: opening the mixer of hw:Nowhere: ")
