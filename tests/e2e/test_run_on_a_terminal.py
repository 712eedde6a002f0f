"""`edgevoice run` in a terminal: what to say, what the box does, and a clean exit on Ctrl-C."""

import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path


def test_run_says_what_to_say_shows_its_light_and_ends_at_once_by_ctrl_c(tmp_path: Path) -> None:
    settings = tmp_path / "edgevoice.toml"
    # A folder other than the machine's: its real lights must not interfere.
    settings.write_text('[service]\nurl = "wss://127.0.0.1:9/"\n[wakeword.words.alexa]\n', encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("EDGEVOICE_", "NOTIFY_"))}
    inherited.pop("GPIOZERO_PIN_FACTORY", None)
    own = {name: str(tmp_path / name) for name in ("HOME", "XDG_STATE_HOME")}
    primary, secondary = pty.openpty()
    # setsid makes this the controlling terminal, at which Ctrl-C is typed.
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, "-m", "edgevoice", "run", "--config", str(settings)],
        env=inherited | own,
        stdin=secondary,
        stdout=secondary,
        stderr=secondary,
    ) as run:
        os.close(secondary)
        shown = _read_until(primary, "Ctrl-C ends it.", 60)
        os.write(primary, b"\x03")
        shown += _read_until(primary, "Not running", 20)
        code = run.wait(20)
    os.close(primary)

    assert 'Say "hey Jarvis" or "Alexa". Ctrl-C ends it.' in shown
    assert "Ready: say the wake word" in shown
    assert code == 0
    assert "Traceback" not in shown
    # No log entry begins after the panel's line: each clears it, and it is written again below.
    assert not re.search(r"box\d\d:\d\d:\d\d", shown)


def _read_until(descriptor: int, words: str, limit_s: float) -> str:
    shown = ""
    end = time.monotonic() + limit_s
    while words not in shown and time.monotonic() < end:
        try:
            shown += os.read(descriptor, 4096).decode(errors="replace")
        except OSError:  # the other side is closed
            break
    return shown
