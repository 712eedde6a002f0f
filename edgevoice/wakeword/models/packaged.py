"""Files that come inside packages whose code is not used. Imports none of them."""

from pathlib import Path

from edgevoice.errors import WakeWordUnavailable
from edgevoice.extras import folder_of


def packaged(module: str, file: str, problem: str, remedy: str) -> Path:
    """Return a file of an installed package; ``WakeWordUnavailable`` with these words if it is not there."""
    folder = folder_of(module)
    if folder is None or not (path := folder / file).is_file():
        raise WakeWordUnavailable(problem, remedy=remedy)
    return path
