"""`edgevoice bench wire`: the cost of reading and writing one event, without a network."""

import base64
import json
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np

from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import Downlink
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.percentiles import p50_p95

_WARM_UP = 200
_TENTH_OF_A_SECOND = 2 * 24_000 // 10
_CHUNK = 2 * 24_000 * 40 // 1000


def measure(rounds: int, *, as_json: bool) -> int:
    """Read and write each kind of event ``rounds`` times; print the cost of one, and return the exit status."""
    report = {name: _spread(work, rounds) for name, work in works().items()}
    show({"rounds": rounds, "audio_delta_ms": 100, "append_ms": 40, **report}, as_json=as_json)
    return 0


def works() -> dict[str, Callable[[], Any]]:
    """Return what is measured, by the name of its figure; each call is one event, and returns what comes of it."""
    # Noise: incompressible, as the base64 of speech is.
    sound = np.random.default_rng(0).bytes(_TENTH_OF_A_SECOND)
    where = {"event_id": "event_35", "response_id": "resp_2", "item_id": "item_A2", "output_index": 0}
    audio = {"type": "response.output_audio.delta", **where, "content_index": 0}
    audio_delta = json.dumps({**audio, "delta": base64.b64encode(sound).decode()})
    words = {"type": "response.output_audio_transcript.delta", **where, "content_index": 0, "delta": "four past six."}
    words_delta = json.dumps(words)
    unknown = json.dumps({"type": "rate_limits.updated", "rate_limits": [{"name": "requests", "remaining": 999}]})
    downlink = Downlink()
    return {
        "decode_audio_delta_us": lambda: wire.decode(audio_delta),
        "take_audio_delta_us": lambda: downlink.take(wire.decode(audio_delta)),
        "decode_transcript_delta_us": lambda: wire.decode(words_delta),
        "decode_unknown_event_us": lambda: wire.decode(unknown),
        "encode_append_us": lambda: wire.append_audio(sound[:_CHUNK]),
    }


def _spread(work: Callable[[], object], rounds: int) -> dict[str, float]:
    for _ in range(_WARM_UP):
        work()
    took_us = np.empty(rounds)
    for number in range(rounds):
        begun = perf_counter_ns()
        work()
        took_us[number] = (perf_counter_ns() - begun) / 1000
    return p50_p95(took_us)
