"""Recent: a dictionary that forgets, for what is kept by names that a service invents. Pure."""

from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(dict[_K, _V]):
    """A dictionary that forgets its oldest entry for each one more than ``most``; only by assignment is it bounded."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: _K, value: _V) -> None:
        super().__setitem__(key, value)
        if len(self) > self._most:
            del self[next(iter(self))]
