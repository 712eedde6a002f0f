"""The Realtime protocol as data: events read and written, transcripts, and what a session may hold."""
