"""Grade two models by the same spoken conversations: `python examples/grade_two_models.py MODEL MODEL [SCENARIOS]`.

Without a file of scenarios it holds the eight that ship, which take a minute for each model.
"""

import asyncio
import sys
from pathlib import Path

from edgevoice import RealtimeVoice
from edgevoice.grading.report import GradingReport, side_by_side
from edgevoice.grading.scenario_file import SHIPPED, read
from edgevoice.testbed.grading.hold import grade, service_of


async def graded(model: str, file: Path) -> GradingReport:
    """Hold all conversations with one model; through the library, so that no sound card is needed."""
    voice = RealtimeVoice(model=model)
    return await grade(read(file), service_of(voice), via="library", tell=lambda name: print(f"{model}: {name}"))


async def main(a: str, b: str, file: str = str(SHIPPED)) -> None:
    """Grade one model after the other, and print what each scorer found of both."""
    first, second = [await graded(model, Path(file)) for model in (a, b)]
    for scorer, *found in side_by_side(first, second):
        print(f"{scorer:16}", *(f"{each:12}" for each in found))
    print(f"{a}: {first.verdict}; {b}: {second.verdict}")


if not 3 <= len(sys.argv) <= 4:
    sys.exit(__doc__)
asyncio.run(main(*sys.argv[1:]))
