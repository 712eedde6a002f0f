"""The child process: it alone imports the SDK, holds the connections to the servers, and parses what they send."""
