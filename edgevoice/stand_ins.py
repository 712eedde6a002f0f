"""Stand-ins: lets a library be imported without a module that it names and that we never have it use."""

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def standing_in(name: str, **functions: Callable[..., Any]) -> Iterator[None]:
    """Within this context, importing ``name`` loads nothing; what is asked of it nevertheless loads it then.

    ``functions`` are there at once, for a library that takes them from the module while it is imported. A module that
    is loaded already stays what it is.
    """
    if name in sys.modules:
        yield
        return
    module = _StandIn(name)
    vars(module).update(functions)
    sys.modules[name] = module
    package, _, own = name.rpartition(".")
    if package:
        setattr(importlib.import_module(package), own, module)
    try:
        yield
    finally:
        module.end()


class _StandIn(ModuleType):
    def end(self) -> None:
        """Stand in no longer: the next import of the module loads it."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            # What the import itself looks for, such as whether this is a package.
            raise AttributeError(name)
        self.end()
        return getattr(importlib.import_module(self.__name__), name)
