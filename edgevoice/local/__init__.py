"""The embedded Realtime service, which answers on a box without an account. Opens no port unless told to."""
