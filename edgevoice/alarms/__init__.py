"""Timers, alarms and reminders: when they ring, where they are kept, and the tools that set them."""
