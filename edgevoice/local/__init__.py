"""The embedded Realtime service: a box without an account still answers. Never opens a port by itself."""
