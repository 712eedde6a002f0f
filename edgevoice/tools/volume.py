"""The volume: how loud the speaker is."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

from msgspec import Meta

from edgevoice.errors import WishRefused


class Volume(Protocol):
    """Something with a volume, 0 to 100 percent; read and set in the loop's thread, at once."""

    volume_percent: int


def volume_tool(volume: Volume) -> Callable[..., Awaitable[dict[str, int]]]:
    """Return the tool that sets the volume, or reports it if called without arguments."""

    async def set_volume(
        percent: Annotated[int, Meta(ge=0, le=100), "the new volume in percent"] | None = None,
        change: Annotated[int, Meta(ge=-100, le=100), "percent to go up, or down when negative"] | None = None,
    ) -> dict[str, int]:
        """Set the speaker's volume to a percentage, or change it by some percent; without either, tell it."""
        if percent is not None and change is not None:
            raise WishRefused("give percent or change, not both")
        if change is not None:
            percent = min(100, max(0, volume.volume_percent + change))
        if percent is not None:
            volume.volume_percent = percent
        return {"volume_percent": volume.volume_percent}

    return set_volume
