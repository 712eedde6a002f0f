"""What the doctor says of the guests of a box: what the box itself has written down."""

from pathlib import Path

from edgevoice.core.guest_facts import GuestFailed
from edgevoice.doctor.guests import examine_guests
from edgevoice.observers.status_file import NAME, StatusFile
from edgevoice.wall_clock import local_now


def written(folder: Path, *failed: str) -> StatusFile:
    """Write the status of a box, this process, some of whose guests do not work."""
    file = StatusFile(folder / NAME, "1.2.3", defer=lambda write: write(), now=local_now)
    for guest in failed:
        file.observe(GuestFailed(guest, "code", "it cannot be opened", "Look at the folder."), 0.0)
    return file


def test_a_guest_that_does_not_work_is_named_with_its_remedy(tmp_path: Path) -> None:
    written(tmp_path, "control", "mqtt")

    finding = examine_guests(tmp_path)

    assert (finding.mark, finding.remedy) == ("wrong", "Look at the folder.")
    assert finding.text == "control does not work: it cannot be opened; mqtt does not work either"


def test_guests_that_work_are_fine_and_those_of_no_box_are_not_judged(tmp_path: Path) -> None:
    assert examine_guests(tmp_path).mark == "skipped"
    file = written(tmp_path)
    assert examine_guests(tmp_path).mark == "fine"
    file.ended("the box stopped")
    assert examine_guests(tmp_path).mark == "skipped"
