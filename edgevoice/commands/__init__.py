"""The commands that a person types. The daemon imports nothing of this."""
