"""The one way to open a model: a single thread that never spins, and no telemetry.

Loads onnxruntime when needed.
"""

import os
from pathlib import Path
from typing import Any


def open_session(model: Path | bytes) -> Any:
    """Return onnxruntime's session for a model, given as a file or as its bytes; its errors propagate.

    A wake word's frame takes a fifth of a millisecond: a pool of threads would cost more than it saves, and threads
    that spin between frames cost a whole core.
    """
    runtime = quiet_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena never returns memory; everything that lives from frame to frame is bound to arrays of ours.
    options.enable_cpu_mem_arena = False
    # What it writes to standard error is meant for model developers; real errors are raised as well.
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)
    return runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def quiet_runtime() -> Any:
    """Return the module onnxruntime, imported with its telemetry off.

    Its releases for Linux report to their maker, under a device id that they keep in the cache folder, unless this
    variable is set before the import (onnxruntime pull request 27379; seen with 1.31.1). A microphone in a kitchen must
    not report to anybody. To allow it, set the variable to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # noqa: PLC0415 - 50 ms and 18 MB that commands without a wake word need not pay

    return onnxruntime
