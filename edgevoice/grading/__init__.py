"""Grading: scenarios, scorers and verdicts, for choosing a model or a voice. It holds no conversation itself."""
