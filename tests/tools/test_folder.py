import asyncio
import os
import pwd
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgevoice.tools.folder import FolderSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.tool import ToolContext

GOOD = '''
from dataclasses import dataclass
from edgevoice import tool

@dataclass
class Place:
    room: str

@tool
def water(place: Place, minutes: int = 5) -> str:
    """Water the plants."""
    return f"{place.room} {minutes}"

def helper() -> None:
    """Help."""
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir(mode=0o755)
    return tmp_path / "tools"


@pytest.fixture
def source(folder: Path) -> FolderSource:
    return FolderSource(folder, owners={os.getuid()}, limit_s=5.0)


def write(folder: Path, name: str, text: str, mode: int = 0o644) -> Path:
    place = folder / name
    place.write_text(text)
    place.chmod(mode)
    return place


def names(source: FolderSource) -> list[str]:
    return [tool.definition.name for tool in source.tools()]


def load(source: FolderSource) -> list[str]:
    asyncio.run(source.load())
    return names(source)


def test_functions_marked_in_a_file_are_tools(folder: Path, source: FolderSource) -> None:
    write(folder, "plants.py", GOOD)

    async def call() -> str:
        await source.load()
        tool = Registry([source]).find("water")
        return str(await tool.call(tool.check('{"place": {"room": "kitchen"}}'), ToolContext()))

    assert asyncio.run(call()) == "kitchen 5"
    assert names(source) == ["water"]
    assert source.may_offer("water")
    assert not source.may_offer("helper")


def test_the_example_file_in_the_custom_tools_documentation_works(folder: Path, source: FolderSource) -> None:
    page = Path(__file__).parents[2] / "docs" / "memory-and-tools.md"
    [block] = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    write(folder, "dates.py", block)

    async def call() -> object:
        await source.load()
        tool = Registry([source]).find("days_until")
        return await tool.call(tool.check('{"year": 1, "month": 1, "day": 1}'), ToolContext())

    assert int(str(asyncio.run(call()))) < -700_000


def test_a_missing_folder_counts_as_empty(tmp_path: Path) -> None:
    assert load(FolderSource(tmp_path / "none")) == []


def test_hidden_files_and_files_other_than_python_are_ignored(folder: Path, source: FolderSource) -> None:
    for name in ("_shared.py", ".plants.py.swp", "plants.txt", ".x.py"):
        write(folder, name, "raise SystemExit")

    assert load(source) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def water(:\n", "line 1: invalid syntax"),
        ("x = 1\n", "no function in it is marked @tool: write `from edgevoice import tool`"),
        ("import nowhere_at_all\n", "line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit('secret')\n", "line 1: SystemExit"),
        ("\nraise KeyError('secret')\n", "line 2: KeyError"),
        ("from edgevoice import tool\n@tool\ndef f(x):\n    'Do.'\n", "line 2: TypeError: f: x has no type"),
        ("from edgevoice import tool\n@tool\ndef f(): pass\n", "line 2: TypeError: f has no docstring"),
        ("import time\ntime.sleep(60)\n", "it has not come to its end within 0.2 s"),
        ("\0", ""),
    ],
)
def test_an_unusable_file_costs_only_its_own_tools(
    folder: Path, text: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(folder, "a_broken.py", text)
    write(folder, "plants.py", GOOD)
    source = FolderSource(folder, owners={os.getuid()}, limit_s=0.2 if "sleep" in text else 5.0)

    assert load(source) == ["water"]

    [refused] = [record for record in caplog.records if record.msg == "tool-file-refused"]
    assert f"{folder / 'a_broken.py'}: {why}" in refused.__dict__["fields"]["problem"]
    assert "secret" not in refused.__dict__["fields"]["problem"]
    assert "line None" not in refused.__dict__["fields"]["problem"]


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_can_change_is_refused(
    folder: Path, source: FolderSource, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    place = write(folder, "plants.py", GOOD, mode)

    assert load(source) == []

    assert f"chmod go-w {place}" in caplog.records[-1].__dict__["fields"]["problem"]


def test_a_folder_that_others_can_change_is_refused(folder: Path, source: FolderSource) -> None:
    write(folder, "plants.py", GOOD)
    folder.chmod(0o777)

    assert load(source) == []


def test_a_folder_that_others_can_change_meanwhile_holds_no_tools(folder: Path, source: FolderSource) -> None:
    write(folder, "plants.py", GOOD)
    assert load(source) == ["water"]

    folder.chmod(0o777)
    assert load(source) == []
    folder.chmod(0o755)
    assert load(source) == ["water"]


def test_a_link_into_a_folder_that_others_can_change_is_refused(
    folder: Path, source: FolderSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "open").mkdir()
    (folder / "plants.py").symlink_to(write(tmp_path / "open", "plants.py", GOOD))
    (tmp_path / "open").chmod(0o777)

    assert load(source) == []
    assert f"chmod go-w {tmp_path / 'open'}" in caplog.records[-1].__dict__["fields"]["problem"]


def test_a_file_of_another_user_is_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(folder, "plants.py", GOOD)

    assert load(FolderSource(folder, owners={54321})) == []

    owner = pwd.getpwuid(os.getuid()).pw_name
    problem = caplog.records[-1].__dict__["fields"]["problem"]
    assert problem.endswith(f"{folder} belongs to {owner}. It must belong to 54321: sudo chown 54321 {folder}")


def test_the_error_names_every_user_who_may_own_a_file(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "plants.py", GOOD)
    real = Path.stat

    def of_a_stranger(path: Path, **options: bool) -> os.stat_result:
        seen = real(path, **options)
        return os.stat_result((*seen[:4], 54321, *seen[5:])) if path == folder else seen

    monkeypatch.setattr(Path, "stat", of_a_stranger)

    # As on an installed box: root and the service's user.
    assert load(FolderSource(folder, owners={0, 54322})) == []

    problem = caplog.records[-1].__dict__["fields"]["problem"]
    assert problem.endswith(f"{folder} belongs to 54321. It must belong to root or 54322: sudo chown root {folder}")


def test_a_link_to_a_file_that_others_can_change_is_refused(folder: Path, source: FolderSource, tmp_path: Path) -> None:
    (folder / "plants.py").symlink_to(write(tmp_path, "elsewhere.py", GOOD, 0o666))

    assert load(source) == []


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda folder: write(folder, "plants.py", GOOD.replace("water", "feed")), ["feed"]),
        (lambda folder: write(folder, "more.py", GOOD.replace("water", "feed")), ["feed", "water"]),
        (lambda folder: (folder / "plants.py").unlink(), []),
        (lambda folder: write(folder, "plants.py", "def broken(:"), []),
    ],
)
def test_changed_files_are_read_again(
    folder: Path, source: FolderSource, change: Callable[[Path], None], after: list[str]
) -> None:
    changes = []
    source.on_change(lambda: changes.append(names(source)))
    write(folder, "plants.py", GOOD)
    load(source)
    load(source)
    change(folder)

    load(source)

    assert changes == [["water"], after]


def test_the_tools_of_one_file_need_not_wait_for_the_next(folder: Path, source: FolderSource) -> None:
    write(folder, "a.py", GOOD)
    write(folder, "b.py", "import time\ntime.sleep(60)\n")

    async def scene() -> list[str]:
        offered = asyncio.Event()
        source.on_change(offered.set)
        loading = asyncio.create_task(source.load())
        await asyncio.wait_for(offered.wait(), 4)
        assert not loading.done()
        loading.cancel()
        return names(source)

    assert asyncio.run(scene()) == ["water"]
