"""The embedded service's ear and voice: speech recognition and speech synthesis."""
