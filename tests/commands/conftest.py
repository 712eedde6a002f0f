from collections.abc import Iterator
from functools import cache

import pytest
from typer import testing


@pytest.fixture(scope="session", autouse=True)
def _command_line_made_once() -> Iterator[None]:
    """Make the command line from its functions once: that takes 30 ms, and the runner does it for each call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", cache(vars(testing)["_get_command"]))
        yield
