"""The wake word: scores from openWakeWord's models in a separate thread, and the decision about what counts."""
