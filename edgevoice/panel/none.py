"""The panel of a box without lights."""

from edgevoice.core.orders import Light


class NoPanel:
    """Implements ``ports.Panel`` for a box that shows nothing: its owner chose to hear only earcons."""

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing: there is nothing to turn off."""
