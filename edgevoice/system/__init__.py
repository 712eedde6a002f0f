"""The machine around the box: the service manager, the key, the minutes used, the status, the log's diary."""
