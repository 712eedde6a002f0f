"""Files that come inside packages whose code is not used. Imports none of them."""

import importlib.util
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable


def packaged(module: str, file: str, problem: str, remedy: str) -> Path:
    """Return a file of an installed package; ``WakeWordUnavailable`` with these words if it is not there."""
    # The package is not imported: only its files are used.
    specification = importlib.util.find_spec(module)
    path = Path(specification.origin).parent / file if specification and specification.origin else None
    if path is None or not path.is_file():
        raise WakeWordUnavailable(problem, remedy=remedy)
    return path
