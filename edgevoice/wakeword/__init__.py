"""The wake word: scores from openWakeWord's models on a thread of their own, and the decision what counts."""
