"""The commands that a person types. The daemon imports none of them."""
