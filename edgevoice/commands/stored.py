"""What the commands about a stored database share: their options, and looking without changing anything."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from edgevoice.errors import StorageUnavailable

_S = TypeVar("_S")
_T = TypeVar("_T")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]
SearchWords = Annotated[
    str, typer.Argument(metavar="WORDS", help='Words that were said, in quotes if there are several: "blue paint".')
]


def folder_with(name: str) -> Any:
    """Return the option for the folder that holds a database of this name."""
    return typer.Option(
        "--folder",
        metavar="FOLDER",
        # A folder that is not there is a slip of the keyboard: what is set in it would never ring.
        exists=True,
        file_okay=False,
        help=f"The folder with {name}; by default the state folder, /var/lib/edgevoice on an installed box.",
    )


def looked(
    folder: Path,
    name: str,
    store: Callable[[], AbstractAsyncContextManager[_S]],
    look: Callable[[_S], Awaitable[_T]],
    otherwise: _T,
) -> _T:
    """Return what ``look`` finds in a store opened for reading; ``otherwise`` if the folder has no such file."""
    if name not in files_of(folder, name):
        return otherwise

    async def scene() -> _T:
        async with store() as opened:
            return await look(opened)

    return asyncio.run(scene())


def files_of(folder: Path, name: str) -> list[str]:
    """Return the names of a database's files in a folder; one that may not be looked into is refused."""
    try:
        return [each.name for each in folder.iterdir() if each.name.startswith(name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageUnavailable.of(f"{folder} cannot be read", error) from error
