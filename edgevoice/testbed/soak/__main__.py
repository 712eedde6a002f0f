"""`scripts/soak`: runs a soak, judges it, and leaves report.json, report.png and the daemon's log behind."""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgevoice.errors import EdgevoiceError, of_machine
from edgevoice.store.folders import make_scratch
from edgevoice.testbed.soak.judge import judge
from edgevoice.testbed.soak.picture import draw
from edgevoice.testbed.soak.record import FaultKind
from edgevoice.testbed.soak.run import SoakOptions, soak

_LONGEST_MINUTES = 60 * 24 * 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 only if every promise held; the last line on standard output is the report as JSON."""
    options = _parser().parse_args(arguments)
    try:
        folder: Path = options.folder or make_scratch("edgevoice-soak-")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print((of_machine(error) or error), file=sys.stderr)
        return 2
    folder = folder.resolve()  # systemd's own socket has an absolute path, too
    began = time.monotonic()
    stream = sys.stderr if options.as_json else sys.stdout

    def tell(line: str) -> None:
        print(f"{(time.monotonic() - began) / 60:6.2f} min  {line}", file=stream, flush=True)

    tell(f"a soak of {options.minutes:g} minutes, seed {options.seed}, in {folder}")
    (folder / "notify").unlink(missing_ok=True)
    try:
        order = SoakOptions(options.minutes, options.seed, options.faults, options.least_faults)
        record = asyncio.run(soak(order, folder, tell))
    except (EdgevoiceError, OSError) as error:
        trouble = error if isinstance(error, EdgevoiceError) else of_machine(error)
        if trouble is None:
            raise
        print(trouble.line(), file=sys.stderr)
        return 2
    verdict = judge(record)
    report = json.dumps(verdict.report)
    (folder / "report.json").write_text(report + "\n", encoding="utf-8")
    draw(record, folder / "report.png")
    for failure in verdict.failures:
        tell(f"FAILED: {failure}")
    tell(
        f"{'every promise held' if not verdict.failures else 'some promises were broken'}; see {folder / 'report.png'}"
    )
    print(report)
    return 1 if verdict.failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/soak",
        description="Inject faults into a running box for a while, and check that it always recovers.",
    )
    parser.add_argument("--minutes", type=_minutes, default=10.0, metavar="N", help="how long (default: 10)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="seed that the faults are drawn from (default: 1)"
    )
    parser.add_argument("--folder", type=Path, metavar="F", help="where report and log go (default: a new one)")
    parser.add_argument(
        "--faults",
        type=_kinds,
        default=tuple(FaultKind),
        metavar="LIST",
        help=f"only these faults: {', '.join(FaultKind)}",
    )
    parser.add_argument(
        "--least-faults", type=int, default=0, metavar="N", help="go on until so many have happened (default: 0)"
    )
    parser.add_argument("--json", dest="as_json", action="store_true", help="print only the JSON on standard output")
    return parser


def _minutes(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (minutes := float(text)) <= _LONGEST_MINUTES:
            return minutes
    raise argparse.ArgumentTypeError(f"{text!r}: a soak lasts more than 0 minutes and at most a week")


def _kinds(text: str) -> tuple[FaultKind, ...]:
    try:
        return tuple(FaultKind(name.strip()) for name in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; it must be one of {', '.join(FaultKind)}") from None


if __name__ == "__main__":
    sys.exit(main())
