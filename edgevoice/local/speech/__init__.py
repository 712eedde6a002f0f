"""Speech recognition and speech synthesis of the embedded service."""
