"""The pure core: facts in, orders out. No asyncio, threads, sockets, clocks, files or logging."""
