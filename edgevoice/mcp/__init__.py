"""Tools from MCP servers. The SDK runs in a child process; this process never imports it."""
