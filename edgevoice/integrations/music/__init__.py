"""Music of other programs, lowered while the box listens and speaks; loaded only with ``music.bus``."""
