"""The connection to the service: dial, configure, send, receive, and say plainly what went wrong."""
