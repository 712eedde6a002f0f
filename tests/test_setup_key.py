"""The key in scripts/setup: an invalid one is refused before anything is changed, and never shown."""

import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from edgevoice.realtime.endpoint import INWORLD_URL
from tests.test_setup import LIMIT_S, ROOT, SETUP, System, well

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

CHOOSE = 'is_refused() { false; }; key_file=${key_file:-}; choose_key; step "key" store_key ""'
STORED = "/etc/credstore/edgevoice.api_key"


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.path("/var/lib").mkdir(parents=True)
    return found


def refused(system: System, complaint: str, *arguments: str) -> None:
    ended = system.setup("--dry-run", "--yes", *arguments)

    assert ended.returncode == 1
    # One line, no step, no word of bash, and no piece of the key.
    assert ended.stderr.startswith(f"setup: {complaint} does not contain a key"), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "two" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b" \t\r\n \n", b"one\ntwo\n", b"one two", "schlüssel-two".encode(), b"one\0two", b"two" * 6000, b"\0"],
    ids=["empty", "a line", "blanks", "two lines", "two words", "no ASCII", "a zero inside", "too long", "a zero"],
)
def test_a_file_without_a_key_is_refused_first(system: System, content: bytes) -> None:
    file = system.path("/key")
    file.write_bytes(content)

    refused(system, f"the key file {file}", "--key-file", str(file))


@pytest.mark.parametrize("file", ["/", "/dev/null", "/dev/zero"])
def test_a_path_that_is_not_a_key_file_is_refused_first(system: System, file: str) -> None:
    refused(system, f"the key file {file}", "--key-file", file)


@pytest.mark.parametrize("value", [" ", "\t\n", "one two", "one\ntwo", "schlüssel-two"])
def test_a_variable_without_a_key_is_refused_first(system: System, value: str) -> None:
    system.variables["EDGEVOICE_API_KEY"] = value

    refused(system, "EDGEVOICE_API_KEY")


def test_an_empty_variable_counts_as_no_key_and_the_stored_key_stays(system: System) -> None:
    system.variables["EDGEVOICE_API_KEY"] = ""
    system.write(STORED, "sk-1\n")

    assert "as it should be" in well(system.step(CHOOSE, asks=""))
    assert system.path(STORED).read_text() == "sk-1\n"


@pytest.mark.parametrize("content", ["sk-1", "sk-1\n", " \tsk-1 \r\n\r\n", "\r\nsk-1\n"])
def test_text_around_a_key_is_stripped(system: System, content: str) -> None:
    file = system.write("/key", content)

    well(system.step(CHOOSE, key_file=str(file)))

    assert system.path(STORED).read_text() == "sk-1\n"


@pytest.mark.parametrize("form", ["--key-file {}", "--key-file={}"])
def test_a_key_file_is_named_in_both_ways(system: System, form: str) -> None:
    file = system.write("/key", "sk-1\n")

    assert "would store the key" in well(system.setup("--dry-run", "--yes", *form.format(file).split()))


def test_a_key_file_in_the_callers_folder_is_found(system: System) -> None:
    system.write("/home/anna/key", "sk-1\n")
    command = [str(SETUP), "--dry-run", "--yes", "--key-file", "key"]

    ended = subprocess.run(
        command,
        cwd=system.path("/home/anna"),
        env=system.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert "would store the key" in well(ended)


@pytest.mark.parametrize(
    ("typed", "questions", "outcome"),
    [
        (b"sk-two\n", 0, "would store the key"),
        (b"one two\nsk-two\n", 1, "would store the key"),
        (b"'sk-two'\n\xc3\xa9two\nsk-two\n", 2, "would store the key"),
        (b"one two\n\n", 1, "none: the box answers on its own"),
        (b"one two\n\x04", 1, "none: the box answers on its own"),
    ],
    ids=["right", "mistyped", "twice", "none then", "the end then"],
)
def test_a_mistyped_key_is_asked_for_again(system: System, typed: bytes, questions: int, outcome: str) -> None:
    ended = system.setup_in_terminal(typed, "--dry-run", "--hat", "none")

    assert ended.stdout.count("That is not a key") == questions, ended.stderr
    assert outcome in well(ended)
    assert not re.search("sk-two|one two", ended.stdout + ended.stderr)


REFUSES: Final = """is_refused() { [[ $key == sk-wrong ]]; }; asks=yes; key_file=''"""


def test_a_key_refused_by_the_service_is_asked_for_again(system: System) -> None:
    ended = system.step(f"""{REFUSES}; choose_key <<<$'sk-wrong\nsk-right'; step "key" store_key "" """)

    assert ended.stdout.count("The service refused this key") == 1
    assert "sk-" not in ended.stdout + well(ended)
    assert system.path(STORED).read_text() == "sk-right\n"


def test_a_key_file_refused_by_the_service_ends_setup_before_any_change(system: System) -> None:
    file = system.write("/key", "sk-wrong\n")

    ended = system.step(f"{REFUSES}; key_file='{file}'; choose_key; echo went on >&2")

    assert ended.returncode == 1
    assert ended.stderr == (
        f"setup: the service refused the key from the key file {file}. Copy it again from the portal, unchanged.\n"
    )


# --- asking the service ----------------------------------------------------------------------------------------------


@dataclass
class Service:
    """A server that answers a handshake with this status, and keeps the request."""

    status: int
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[int]:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            thread = threading.Thread(target=self._answer, args=(server,))
            thread.start()
            yield int(server.getsockname()[1])
            thread.join(LIMIT_S)

    def _answer(self, server: socket.socket) -> None:
        server.settimeout(LIMIT_S)
        connection, _ = server.accept()
        with closing(connection):
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            self.asked.append(request.decode())
            connection.sendall(f"HTTP/1.1 {self.status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())


def verdict(system: System, port: int, key: str = "sk-1", **variables: str) -> str:
    endpoint = system.write("/endpoint.py", f'INWORLD_URL = "ws://127.0.0.1:{port}/api/v1/session"\n')
    without_proxy = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = ["python3", "-I", "-B", str(ROOT / "scripts" / "_key.py"), str(endpoint)]
    ended = subprocess.run(
        command,
        input=key,
        env=without_proxy | variables,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.strip()


@pytest.mark.parametrize(("status", "told"), [(101, "taken"), (401, "refused"), (403, "refused"), (402, ""), (503, "")])
def test_the_services_reply_to_a_key_decides(system: System, status: int, told: str) -> None:
    service = Service(status)

    with service.running() as port:
        assert verdict(system, port) == told

    first, *headers = service.asked[0].splitlines()
    assert first.startswith("GET /api/v1/session?key=edgevoice-setup-")
    assert "Authorization: Basic sk-1" in headers
    assert "Upgrade: websocket" in headers


def test_the_service_is_asked_through_the_proxy(system: System) -> None:
    proxy = Service(403)

    with proxy.running() as port:
        verdict(system, 1, http_proxy=f"http://me:word@127.0.0.1:{port}")

    assert proxy.asked[0].startswith("CONNECT 127.0.0.1:1 HTTP/1.")
    # The proxy must not receive the key.
    assert "sk-1" not in proxy.asked[0]
    assert "Proxy-Authorization: Basic bWU6d29yZA==" in proxy.asked[0]


def test_an_unreachable_service_gives_no_verdict(system: System) -> None:
    assert verdict(system, 1) == ""


def test_setup_uses_the_programs_service_address() -> None:
    endpoint = (ROOT / "edgevoice" / "realtime" / "endpoint.py").read_text(encoding="utf-8")

    assert f'\nINWORLD_URL = "{INWORLD_URL}"\n' in endpoint
