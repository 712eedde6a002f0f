"""The far side of the wire: dial, configure, send, receive, and say plainly what went wrong."""
