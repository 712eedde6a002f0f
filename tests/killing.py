"""Kills a program that writes at random moments, as a power cut does: what it had printed must be there afterwards."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator

_FORKS = """
import os, sys

{program}

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        write(int(line), *sys.argv[1:])
    print("child", child, flush=True)
    os.waitpid(child, 0)
    print("killed", flush=True)
"""
"""Imports once what the program needs: it is the writing that is to be interrupted, not the start of Python."""


def killed(program: str, *arguments: str, times: int = 50) -> Iterator[int]:
    """Run the function ``write`` of a Python program ``times`` times, and kill it while it writes.

    It gets the next number and ``arguments``, prints each number once it is written, and goes on with the next one.
    Yields the last number printed, after each kill; the number after it may have been written, too.
    """
    chance, printed = random.Random(3), -1
    command = [sys.executable, "-c", _FORKS.format(program=program), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(times):
            print(printed + 2, file=parent.stdin, flush=True)
            child, left = 0, chance.randrange(1, 30)
            while (line := parent.stdout.readline()) != "killed\n":
                if line.startswith("child"):
                    child = int(line.split()[1])
                else:
                    printed, left = int(line), left - 1
                if child and left <= 0:
                    os.kill(child, signal.SIGKILL)
                    child = 0
            yield printed
