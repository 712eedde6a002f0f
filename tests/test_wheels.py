"""What scripts/setup installs on a Pi: pinned as tested, and published ready to install for both."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements-pi.lock"
EVAL_LOCK: Final = ROOT / "requirements-eval.lock"
MCP_LOCK: Final = ROOT / "requirements-mcp.lock"
MODELS_LOCK: Final = ROOT / "requirements-models.lock"
LIMIT_S: Final = 240

pytestmark = pytest.mark.skipif(not LOCK.exists(), reason="the locks are not beside these tests: an installed copy")

FROM_DEBIAN: Final = {"pyaudio", "systemd-python"}
UNUSED: Final = {"scikit-learn", "scipy", "tqdm", "sounddevice"}
"""Asked for by packages of which only a part is used, and 200 MB."""

SYSTEMS: Final = {"3.11": "manylinux_2_36", "3.13": "manylinux_2_40"}
"""Python by the C library of its Debian: 12 has 2.36; 13 has 2.41, and 2.40 is the newest that the tool can name."""

BUILT_HERE: Final = {("lgpio", "3.13")}
"""No wheel anywhere: Raspberry Pi OS has a package, and on plain Debian 13 scripts/setup builds it."""

NO_NETWORK: Final = ("NewConnectionError", "ConnectTimeoutError", "ProxyError", "name resolution", "ReadTimeoutError")
"""What pip says of a network that is not there. A package that the index does not have is another matter."""


def pins(lock: Path) -> dict[str, set[str]]:
    """Return the pinned versions by name; a name may occur once for each Python."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock.read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def entries(lock: Path) -> dict[str, str]:
    """Return the lock's text by name, hashes and all."""
    parts = re.split(r"^(?=[a-z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found: dict[str, str] = {}
    for part in parts:
        name = part.partition("==")[0]
        found[name] = found.get(name, "") + part
    return found


def test_a_pi_gets_the_versions_that_are_tested() -> None:
    tested = pins(ROOT / "requirements.lock")

    # lgpio drives real pins, so nothing here tests it.
    assert {name: versions for name, versions in pins(LOCK).items() if versions != tested.get(name)} == {
        "lgpio": {"0.2.2.0"}
    }


def test_a_pi_gets_all_runtime_dependencies_and_none_for_developers() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["local"], *extras["echo"], *extras["pi"]]
    names = {re.split(r"[<>=]", each)[0] for each in asked}

    assert names - FROM_DEBIAN <= set(pins(LOCK))
    assert not (FROM_DEBIAN | UNUSED | {"pytest", "mypy", "ruff", "openai", "matplotlib"}) & set(pins(LOCK))


@pytest.mark.parametrize("lock", [LOCK, EVAL_LOCK, MCP_LOCK, MODELS_LOCK], ids=["pi", "eval", "mcp", "models"])
def test_every_package_is_verified_by_a_hash(lock: Path) -> None:
    assert [name for name, text in entries(lock).items() if "--hash=sha256:" not in text] == []


@pytest.mark.parametrize("lock", [EVAL_LOCK, MCP_LOCK], ids=["eval", "mcp"])
def test_what_is_added_on_the_box_has_the_tested_versions(lock: Path) -> None:
    added, tested, runs = pins(lock), pins(ROOT / "requirements.lock"), pins(LOCK)

    assert {name: versions for name, versions in added.items() if versions != tested.get(name)} == {}
    # Installed over the program, it must change nothing of it.
    assert {name for name in added.keys() & runs.keys() if added[name] != runs[name]} == set()
    assert not (FROM_DEBIAN | {"pytest", "mypy"}) & added.keys()


def test_each_set_of_additions_has_what_it_is_for() -> None:
    assert {"matplotlib", "soundfile", "scipy", "scikit-learn", "tqdm"} <= pins(EVAL_LOCK).keys()
    assert {"mcp", "httpx2"} <= pins(MCP_LOCK).keys()
    assert not UNUSED & pins(MCP_LOCK).keys()


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the tool of scripts/lock; it resolves for other machines without fetching what they would install."""
    pinned = re.search(r"uv==[0-9.]+", (ROOT / "scripts" / "lock").read_text(encoding="utf-8"))
    assert pinned is not None
    folder = tmp_path_factory.mktemp("uv")
    fetched = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1"),
            *("--only-binary", ":all:", "--target", str(folder), pinned[0]),
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if fetched.returncode:
        assert any(sign in fetched.stderr for sign in NO_NETWORK), fetched.stderr
        pytest.skip(f"no network: {fetched.stderr.strip().splitlines()[-1]}")
    return folder / "bin" / "uv"


def resolved(uv: Path, lock: Path, python: str, machine: str) -> str:
    """Return what keeps a lock from being installed from wheels alone, empty when nothing does."""
    environment = {**os.environ, **({"UV_DEFAULT_INDEX": index} if (index := os.environ.get("PIP_INDEX_URL")) else {})}
    tried = subprocess.run(
        [
            *(str(uv), "--no-config", "pip", "install", "--dry-run", "--no-deps", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", python),
            *("--python-platform", f"{machine}-{SYSTEMS[python]}", "--python", sys.executable),
            *("--target", str(lock.parent / f"{machine}-{python}"), "-r", str(lock)),
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment,
    )
    # The tool itself has just been fetched, so the network is there: a download that fails is a failure.
    return tried.stderr if tried.returncode else ""


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("python", list(SYSTEMS))
@pytest.mark.parametrize("lock", [LOCK, EVAL_LOCK, MCP_LOCK, MODELS_LOCK], ids=["pi", "eval", "mcp", "models"])
def test_all_installs_from_wheels(uv: Path, tmp_path: Path, lock: Path, python: str, machine: str) -> None:
    ready = {name: text for name, text in entries(lock).items() if (name, python) not in BUILT_HERE}
    (tmp_path / "ready.lock").write_text("".join(ready.values()))

    assert resolved(uv, tmp_path / "ready.lock", python, machine) == ""


@pytest.mark.parametrize(("name", "python"), sorted(BUILT_HERE))
def test_packages_built_on_the_box_still_have_no_wheel(uv: Path, tmp_path: Path, name: str, python: str) -> None:
    (tmp_path / "built.lock").write_text(entries(LOCK)[name])

    # Once it has one, remove it from the list: scripts/setup no longer needs to build it.
    assert "no usable wheels" in resolved(uv, tmp_path / "built.lock", python, "aarch64")
