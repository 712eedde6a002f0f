"""Progress that scripts/setup shows, and what it checks beforehand: disk space and network."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

PIP: Final = """Collecting msgspec==0.19 (from -r locked.txt (line 1))
  Downloading msgspec-0.19.0-cp313-cp313-manylinux_2_17_x86_64.whl (213 kB)
Collecting numpy==2.2.0
  Downloading numpy-2.2.0-cp313-cp313-manylinux_2_17_x86_64.whl (16.1 MB)
"""


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.path("/scratch").mkdir()
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        found.variables |= {name: "", name.upper(): ""}
    return found


# --- how far it is ---------------------------------------------------------------------------------------------------


def progress(system: System, **files: str) -> str:
    for name, text in files.items():
        system.write(f"/scratch/{name.replace('_', '-')}", text)
    return well_stdout(system.step("progress"))


def test_apt_gets_percentage_is_shown(system: System) -> None:
    fetching = "dlstatus:1:0:Retrieving file 1 of 9\ndlstatus:3:21.5734:Retrieving file 3 of 9 (12s remaining)\n"

    assert progress(system, apt_status=fetching) == "fetched 22 %: Retrieving file 3 of 9 (12s remaining)"
    installing = f"{fetching}pmstatus:libspeexdsp1:48.1481:Unpacking libspeexdsp1 (amd64)\n"
    assert progress(system, apt_status=installing) == "installed 48 %: Unpacking libspeexdsp1 (amd64)"


def test_pips_packages_are_counted_with_their_size(system: System) -> None:
    assert progress(system, log=PIP, packages="37\n") == "fetched 2 of 37 packages: numpy (16.1 MB)"
    for each in ("msgspec-0.19.0.dist-info/RECORD", "numpy-2.2.0.dist-info/RECORD", "six.py"):
        system.write(f"/opt/edgevoice/lib/python3.13/site-packages/{each}", "")
    installing = f"{PIP}Installing collected packages: msgspec, numpy, rich\n"
    assert progress(system, log=installing, packages="37\n") == "installed 2 of 37 packages"


def test_a_silent_command_shows_only_elapsed_time(system: System) -> None:
    assert progress(system, log="anything\n") == ""
    # It continues until a line of progress was seen.
    work = """work() { until grep -q '^ *[0-9]* s$' "$scratch/shown"; do sleep 0.05; done; }"""

    well(system.step(f'{work}; exec 2>"$scratch/shown"; change "make it" work', tick_s="0.2"))

    assert system.path("/scratch/shown").read_text().startswith("      make it\n        ")


# --- checks beforehand -----------------------------------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    """A port that accepts connections."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def look(system: System, *addresses: str, look_limit_s: str = "4") -> subprocess.CompletedProcess[str]:
    named = " ".join(f"'{each}'" for each in addresses)
    looking = f"look() {{ answers 'the packages' {named}; }}; step 'this machine' look 'Look above.'"
    return system.step(looking, look_limit_s=look_limit_s)


def test_one_reachable_address_is_enough(system: System, port: int, closed_port: int) -> None:
    well(look(system, f"http://127.0.0.1:{closed_port}/debian", f"https://127.0.0.1:{port}/other"))


def test_no_network_is_one_line_with_its_cause(system: System, closed_port: int) -> None:
    ended = look(system, f"http://127.0.0.1:{closed_port}/debian")

    assert ended.returncode == 1
    cause, last = ended.stderr.splitlines()[1:]
    assert cause == "      cannot reach the packages at 127.0.0.1: Connection refused"
    assert "failed. Connect the network, or bring the packages in a folder and use --offline. Then run" in last


def test_an_unresponsive_address_costs_only_seconds(system: System) -> None:
    # With a full backlog, further connections are not answered.
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        ended = look(system, f"http://127.0.0.1:{address[1]}/debian", look_limit_s="0.5")
        for each in waiting:
            each.close()

    assert "cannot reach the packages at 127.0.0.1: no answer within 0.5 s" in ended.stderr


@pytest.mark.parametrize(
    ("address", "variables", "dialled"),
    [
        ("http://deb.example/debian", {}, "deb.example 80"),
        ("https://deb.example/debian", {}, "deb.example 443"),
        ("https://me:word@deb.example:8443/a", {}, "deb.example 8443"),
        ("http://[2001:db8::1]:3142/debian", {}, "2001:db8::1 3142"),
        ("https://deb.example/", {"https_proxy": "http://me:word@proxy.example:3128"}, "proxy.example 3128"),
        ("https://deb.example/", {"HTTPS_PROXY": "http://proxy.example"}, "proxy.example 80"),
        ("https://deb.example/", {"http_proxy": "http://proxy.example:1"}, "deb.example 443"),
        ("https://deb.example/", {"ALL_PROXY": "socks5://proxy.example:1080"}, "proxy.example 1080"),
        ("https://deb.example/", {"https_proxy": "http://p.example:1", "no_proxy": "a,.example"}, "deb.example 443"),
        ("https://deb.example/", {"https_proxy": "http://p.other:1", "no_proxy": "notdeb.example"}, "p.other 1"),
    ],
)
def test_the_connection_goes_to_the_address_or_its_proxy(
    system: System, address: str, variables: dict[str, str], dialled: str
) -> None:
    system.variables |= variables

    assert well_stdout(system.step(f"apt_proxy() {{ :; }}; dialled '{address}'")).strip() == dialled


def test_the_network_is_not_used_where_nothing_is_missing(system: System) -> None:
    ask = "missing_packages() { :; }; is_made() { :; }; check_network() { echo asked >&2; }; check_room() { :; }"

    assert "as it should be" in well(system.step(f"{ask}; step 'this machine' look_ahead ''"))


def test_needed_and_free_space_are_reported_in_figures(system: System) -> None:
    ask = "missing_packages() { echo one; }; check_network() { :; }; free_mb() { echo 5310; }; is_made() { false; }"

    told = well(system.step(f"{ask}; step 'this machine' look_ahead ''"))

    assert "needs 900 MB to install; 5310 MB are free, and the network answers" in told


def test_a_full_disk_is_named_though_nothing_could_be_written(system: System) -> None:
    full = "full_places() { echo /var; }; broken() { return 1; }"

    ended = system.step(f"{full}; step 'program' broken 'Look above.'")

    cause, last = ended.stderr.splitlines()[-2:]
    assert cause == "      no space is left on /var"
    assert "failed. Free some space: `df -h` shows which disk is full. Then run setup again" in last
