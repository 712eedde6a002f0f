"""Tool files: reads the owner's tools once the box runs, and again with each reload of the settings."""

import asyncio

from edgevoice.core.ports import Observer, Report
from edgevoice.tools.folder import FolderSource


class ToolFiles(Observer):
    """Loads a folder of tools, its ``source``, beside the conversation."""

    def __init__(self, source: FolderSource) -> None:
        self.source = source
        self._is_wanted = asyncio.Event()
        self._is_wanted.set()

    def reload(self) -> None:
        """Have the changed files read again."""
        self._is_wanted.set()

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Load the folder now, and again on each request."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            await self.source.load()
