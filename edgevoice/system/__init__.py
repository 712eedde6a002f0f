"""The machine around the box: the service manager, the key, the doctor."""
