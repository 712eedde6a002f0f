"""A folder of tools: Python files of the machine's owner, in which the functions marked ``@tool`` are tools.

The files run inside the program, with all that it may do. So each must belong to an owner who may change the program
anyway, and be writable by nobody else.
"""

import asyncio
import logging
import pwd
import stat
import sys
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from edgevoice import threads
from edgevoice.journal import tell
from edgevoice.tools.decorator import mark_of
from edgevoice.tools.functions import FunctionTool

_log = logging.getLogger(__name__)

_PACKAGE = "edgevoice_tools"
"""What the files' modules are called after: no package of that name exists."""

_LIMIT_S = 60.0
"""How long a file may take to run its top level: a library that a PC imports in 2 s takes a Pi Zero 20 s and its card
longer. Nothing but the files after it waits, and none of those before it.
"""

_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class FileRefused(Exception):
    """A file holds no tools; the text says why and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file as it was when it was read, and the tools in it: none if it was refused."""

    stamp: tuple[int, ...]
    tools: tuple[FunctionTool, ...] = ()


class FolderSource:
    """``ToolSource`` of a folder; one that is not there is as good as an empty one.

    ``owners`` are the user ids to whom the files may belong. Nothing is read before ``load``.
    """

    name = "folder"

    def __init__(self, folder: Path, *, owners: Collection[int] = (0,), limit_s: float = _LIMIT_S) -> None:
        self._folder = folder
        self._owners = owners
        self._limit_s = limit_s
        self._files: dict[Path, _Loaded] = {}
        self._changed: list[Callable[[], None]] = []
        self._is_loaded = not _python_files(folder)

    def tools(self) -> Sequence[FunctionTool]:
        """Return the tools of all files, in the order of the files' names."""
        return [tool for path in sorted(self._files) for tool in self._files[path].tools]

    def may_offer(self, name: str) -> bool:
        """Return whether a tool of that name is there, or may be in a file that has not been read yet."""
        return not self._is_loaded or any(tool.definition.name == name for tool in self.tools())

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each file that is another than before, while ``load`` runs."""
        self._changed.append(changed)

    async def load(self) -> None:
        """Read the files that are new or have changed, and forget those that are gone.

        A file that cannot be used costs only its own tools: the log says what is wrong with it.
        """
        found = _python_files(self._folder)
        for path in found:
            before = dict(self._files)
            await self._load_file(path)
            self._tell_if_changed(before)
        self._is_loaded = True
        before = dict(self._files)
        self._files = {path: loaded for path, loaded in self._files.items() if path in found}
        self._tell_if_changed(before)

    def _tell_if_changed(self, before: dict[Path, _Loaded]) -> None:
        if self._files != before:
            for changed in self._changed:
                changed()

    async def _load_file(self, path: Path) -> None:
        try:
            # Whose the folder is counts, too: one that others may change now holds no tools.
            stamp = (*_stamp(path), *_ownership(self._folder))
            known = self._files.get(path)
            if known is not None and known.stamp == stamp:
                return
            self._files[path] = _Loaded(stamp)
            self._require_trusted(path)
            tools = await self._run(path)
        except (FileRefused, OSError) as error:
            why = (error.strerror or type(error).__name__) if isinstance(error, OSError) else error
            tell(_log, logging.ERROR, "tool-file-refused", file=path.name, problem=f"{path}: {why}")
            return
        self._files[path] = _Loaded(stamp, tools)
        names = " ".join(tool.definition.name for tool in tools)
        tell(_log, logging.INFO, "tool-file-loaded", file=path.name, tools=names)

    def _require_trusted(self, path: Path) -> None:
        # Of a link also the folder that it leads to: whoever may write there decides what is read.
        for place in dict.fromkeys((self._folder, path, path.resolve().parent)):
            seen = place.stat()
            if seen.st_uid not in self._owners:
                names = [_name(owner) for owner in sorted(self._owners)]
                raise FileRefused(
                    f"{place} belongs to {_name(seen.st_uid)}. It must belong to {' or '.join(names)}: "
                    f"sudo chown {names[0]} {place}"
                )
            if seen.st_mode & _WRITABLE_BY_OTHERS:
                raise FileRefused(f"{place} can be changed by others. Take that away: chmod go-w {place}")

    async def _run(self, path: Path) -> tuple[FunctionTool, ...]:
        """Run a file in a thread: what it does at its top level must not hold up the sound."""
        running = threads.run(lambda: _tools_of(path), name=f"tools-{path.stem}")
        try:
            async with asyncio.timeout(self._limit_s):
                return await running
        except TimeoutError:
            raise FileRefused(f"it has not come to its end within {self._limit_s:g} s: define functions only") from None


def _name(user: int) -> str:
    """Return the name of a user, or the id of one who has none."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _python_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may hold tools, by name; those whose names begin with ``_`` or ``.`` do not."""
    try:
        return sorted(path for path in folder.glob("*.py") if path.name[0] not in "._")
    except OSError:
        return []


def _stamp(path: Path) -> tuple[int, int, int]:
    seen = path.stat()
    return seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size


def _ownership(folder: Path) -> tuple[int, int]:
    seen = folder.stat()
    return seen.st_uid, seen.st_mode


def _tools_of(path: Path) -> tuple[FunctionTool, ...]:
    module = ModuleType(f"{_PACKAGE}.{path.stem}")
    module.__file__ = str(path)
    # Where dataclasses and type hints look for the names in a module.
    sys.modules[module.__name__] = module
    try:
        exec(compile(path.read_bytes(), path, "exec"), module.__dict__)  # noqa: S102 - its owner owns the program, too
        functions = [value for value in vars(module).values() if _is_its_own(value, module)]
        tools = tuple(FunctionTool(function) for function in functions)
    except BaseException as error:  # noqa: BLE001 - whatever a file raises, it costs only itself
        del sys.modules[module.__name__]
        raise FileRefused(_reason(error, path)) from None
    if not tools:
        raise FileRefused("no function in it is marked @tool: write `from edgevoice import tool`, and @tool before it")
    return tools


def _is_its_own(value: Any, module: ModuleType) -> bool:
    return mark_of(value) is not None and getattr(value, "__module__", None) == module.__name__


def _reason(error: BaseException, path: Path) -> str:
    """Return what stopped a file, with its line; of other errors than those of its own text, only the name."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}" if error.lineno is not None else error.msg
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    where = f"line {lines[-1]}: " if lines else ""
    text = f": {error}" if isinstance(error, ImportError | TypeError | NameError) else ""
    return f"{where}{type(error).__name__}{text}"
