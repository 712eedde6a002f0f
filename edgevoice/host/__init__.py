"""The machine around the box: service manager, credentials, and the health of the process."""
