"""Which files of a database a folder holds."""

from pathlib import Path

from edgevoice.errors import StorageUnavailable


def files_of(folder: Path, name: str) -> list[str]:
    """Return the names of a database's files in a folder; one that may not be looked into is refused."""
    try:
        return [each.name for each in folder.iterdir() if each.name.startswith(name)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StorageUnavailable.of(f"{folder} cannot be read", error) from error
