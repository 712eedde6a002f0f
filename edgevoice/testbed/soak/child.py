"""The daemon as the soak starts it: `edgevoice run`, and on SIGUSR1 a count of its asyncio tasks in a file.

It is here because the daemon has no such hook. Between two counts none of this runs.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from edgevoice.box import daemon
from edgevoice.store.files import write_whole

_PLACE = "SOAK_TASKS"


def _count(_number: int, _frame: FrameType | None) -> None:
    tasks = asyncio.all_tasks(asyncio.get_running_loop())
    names = sorted(task.get_name() for task in tasks)
    write_whole(Path(os.environ[_PLACE]), json.dumps(names).encode())


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    sys.exit(daemon.main(sys.argv[1:]))
