"""scripts/release: the archive that people install from is small, whole, the same every time, and made of a commit."""

import hashlib
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Final

import pytest

from edgevoice import __version__

ROOT: Final = Path(__file__).parents[1]
RELEASE: Final = ROOT / "scripts" / "release"
NAME: Final = f"edgevoice-{__version__}"
LIMIT_S: Final = 60

pytestmark = [
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is not a git checkout"),
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "safe.directory=*")
    return subprocess.run(
        ["git", *person, "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=LIMIT_S
    ).stdout.strip()


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of this one's last commit, with the script as it is now."""
    folder = tmp_path_factory.mktemp("release") / "clone"
    git(ROOT, "clone", "--quiet", "--no-tags", str(ROOT), str(folder))
    shutil.copy2(RELEASE, folder / "scripts" / "release")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "now")
    return folder


@pytest.fixture
def checkout(cloned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cloned, tmp_path / "checkout", symlinks=True))


def release(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    person = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return subprocess.run(
        [str(checkout / "scripts" / "release"), *arguments],
        env={**os.environ, **person},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_the_archive_is_small_complete_and_reproducible(cloned: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"

    made = release(cloned, "--folder", str(first))
    release(cloned, f"--folder={second}")

    assert made.returncode == 0, made.stderr
    archive = first / f"{NAME}.tar.gz"
    assert archive.read_bytes() == (second / archive.name).read_bytes()
    assert archive.stat().st_size <= 5_500_000
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert (first / f"{archive.name}.sha256").read_text() == f"{digest}  {archive.name}\n"
    with tarfile.open(archive) as packed:
        names = {each.name.removeprefix(f"{NAME}/") for each in packed.getmembers() if each.isfile()}
    assert names == set(git(cloned, "ls-files").splitlines())


def test_the_two_printed_lines_unpack_the_archive_and_run_its_setup(cloned: Path, tmp_path: Path) -> None:
    made = release(cloned, "--folder", str(tmp_path))
    unpack, install = made.stdout.splitlines()

    subprocess.run(["bash", "-c", unpack], cwd=tmp_path, check=True, capture_output=True, timeout=LIMIT_S)

    assert install == f"sudo {NAME}/scripts/setup"
    setup = tmp_path / NAME / "scripts" / "setup"
    assert setup.stat().st_mode & stat.S_IXUSR
    told = subprocess.run([str(setup), "--help"], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert "Usage: sudo scripts/setup" in told.stdout


def test_uncommitted_changes_cannot_be_released(checkout: Path) -> None:
    (checkout / "README.md").write_text("mine\n")

    made = release(checkout)

    assert (made.returncode, made.stdout) == (1, "")
    assert "there are uncommitted changes" in made.stderr
    assert not (checkout / "dist").exists()


def test_a_version_is_tagged_only_once(checkout: Path) -> None:
    assert release(checkout, "--tag").returncode == 0
    assert git(checkout, "tag") == f"v{__version__}"
    assert release(checkout, "--tag").returncode == 0
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "later")

    made = release(checkout, "--tag")

    assert made.returncode == 1
    assert f"version {__version__} already belongs to commit" in made.stderr


def test_a_large_new_file_is_noticed(checkout: Path) -> None:
    (checkout / "docs" / "large.bin").write_bytes(os.urandom(5_500_000))
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "large")

    made = release(checkout)

    assert made.returncode == 1
    assert "but the limit is 5500000" in made.stderr
    assert list((checkout / "dist").iterdir()) == []


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy2(RELEASE, tmp_path / "scripts")

    made = release(tmp_path)

    assert (made.returncode, made.stderr) == (
        1,
        "release: this folder is not a git checkout: an archive is made from a commit\n",
    )
