"""The shapes that openWakeWord's models share. Figures read from the models of release 0.4.0."""

from typing import Final

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import NEAR_END_HZ

RATE_HZ: Final = NEAR_END_HZ

FRAME: Final = 1280
"""Samples of a frame: 80 ms, the models' step."""

HOP: Final = 160
"""Samples from one mel frame to the next."""

TRANSFORM: Final = 512
"""Samples in the window of one mel frame."""

LOOKBACK: Final = 480
"""Samples before a frame that its mel frames need as well; the library's own choice."""

CHUNK_SAMPLES: Final = LOOKBACK + FRAME

CHUNK_FRAMES: Final = FRAME // HOP
"""Mel frames per frame, which is also the embedding network's step."""

MEL_BANDS: Final = 32
WINDOW_FRAMES: Final = 76
"""Mel frames that one embedding sees."""

WINDOW_CHUNKS: Final = -(-WINDOW_FRAMES // CHUNK_FRAMES)
"""Chunks of 8 mel frames that hold a window of 76: 10."""

PRIMING_CHUNKS: Final = WINDOW_CHUNKS + 1
"""Equal chunks after which the embedding network has forgotten everything else."""

EMBEDDING_SIZE: Final = 96

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]
