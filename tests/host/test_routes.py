"""Whether there is a network, by the kernel's own tables."""

from pathlib import Path

import pytest

from edgevoice.host import routes
from edgevoice.host.routes import has_default_route

FOUR = "Iface Destination Gateway Flags RefCnt Use Metric Mask\nwlan0 {} 0102A8C0 0003 0 0 600 {} 0 0 0"
SIX = "{} {} 00000000000000000000000000000000 00 fe80 00000400 00000001 00000000 00000003 {}"


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"/proc/net/route": FOUR.format("00000000", "00000000")}, True),
        ({"/proc/net/route": FOUR.format("0002A8C0", "00FFFFFF")}, False),
        ({"/proc/net/ipv6_route": SIX.format("0" * 32, "00", "wlan0")}, True),
        ({"/proc/net/ipv6_route": SIX.format("0" * 32, "00", "lo")}, False),
        ({"/proc/net/ipv6_route": SIX.format("f" * 32, "40", "wlan0")}, False),
        ({}, False),
    ],
)
def test_a_default_route_of_either_protocol_counts(tables: dict[str, str], *, expected: bool) -> None:
    assert has_default_route(tables.get) is expected


def test_this_machines_own_tables_are_read(tmp_path: Path) -> None:
    assert has_default_route() in {True, False}
    assert routes._read(str(tmp_path / "missing")) is None
