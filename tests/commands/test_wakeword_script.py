"""scripts/wakeword-eval with stand-in programs: it sets up what it needs and passes its arguments on."""

import shutil
from pathlib import Path

from tests.test_scripts import ROOT, _lay_out


def test_the_script_sets_up_runs_in_the_callers_folder_and_passes_the_folders_on(tmp_path: Path) -> None:
    stage = _lay_out(tmp_path)
    shutil.copy(ROOT / "scripts" / "wakeword-eval", stage.project / "scripts" / "wakeword-eval")
    somewhere = tmp_path / "some where"
    somewhere.mkdir()

    done = stage.run("wakeword-eval", "my recordings", "--json", cwd=somewhere)

    assert done.returncode == 0, done.stderr
    expected = [f"edgevoice in {somewhere}", "<wakeword>", "<evaluate>", "<my recordings>", "<--json>"]
    assert done.stdout.splitlines() == expected
    assert "setup: ready after" in done.stderr
