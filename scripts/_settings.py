"""Put values into a settings file as a person would: each in its place, and everything else as it stands.

    python3 -I -B scripts/_settings.py PLACE VALUES [OLD]

VALUES is a file of sections with texts, whole numbers and truth values. With OLD, a text, a value is put only where
this text stands, or nothing. Needs nothing but Python 3.11, because scripts/setup runs it on the system's.
"""

import importlib.util
import os
import shutil
import sys
import tomllib
from pathlib import Path
from types import ModuleType


def _module(name: str) -> ModuleType:
    """Return a module of the daemon's that needs no package, so that both read and write the file alike."""
    place = Path(__file__).resolve().parents[1] / "edgevoice" / "settings" / f"{name}.py"
    found = importlib.util.spec_from_file_location(f"settings_{name}", place)
    if found is None or found.loader is None:
        sys.exit(f"{place} is not there: this folder is not whole")
    module = importlib.util.module_from_spec(found)
    # Its dataclasses look for their module there.
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


reader, editor = _module("text"), _module("editing")


def main(place: str, values: str, old: str | None = None) -> None:
    """Edit the file; as a new one that takes its place, so that an interruption leaves one of both, whole."""
    file = Path(place).resolve()
    content = file.read_bytes()
    try:
        text = reader.decoded(content)
    except reader.NotText as error:
        raise editor.EditRefused(str(error)) from error
    wanted = tomllib.loads(Path(values).read_text(encoding="utf-8"))
    paths = {(section, key): value for section, entries in wanted.items() for key, value in entries.items()}
    after = editor.put(text, paths, old)
    if after == text:
        return
    new, before = file.with_name(f"{file.name}.new"), file.stat()
    new.touch(mode=0o600)
    os.chown(new, before.st_uid, before.st_gid)
    shutil.copymode(file, new)
    # Lines end as they did.
    with new.open("w", encoding="utf-8", newline="\r\n" if b"\r\n" in content else "\n") as opened:
        opened.write(after)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
    # Without this a power cut may undo the renaming.
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except editor.EditRefused as refused:
        sys.exit(f"{sys.argv[1]}: {refused}")
