"""Train the phoneme network for rooms and noise; see scripts/room-network --help.

Each sentence is heard near by hama's network, and near, in a room and beside noise by the network that learns: in every
frame it should find each phoneme as likely. Biases, norms, convolutions and the first and last layer change freely, the
large matrices by a product of two small ones (Hu et al. 2021, "LoRA: low-rank adaptation of large language models").
"""

import argparse
import math
import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch
from torch.nn import functional

from edgevoice.local.mind import vocabulary
from edgevoice.local.speech.dereverberation import dereverberated
from edgevoice.local.speech.other_words import OTHER_WORDS
from edgevoice.local.speech.phoneme_file import BLOCKS, IN_ROOMS, TAPS, UNITS, Arrays, published_arrays, read_weights
from edgevoice.local.speech.phoneme_network import PhonemeNetwork, log_bands
from edgevoice.local.speech.pronunciations import PRONUNCIATIONS
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.testbed.bench.commands import command_line, read_wave

RATE_HZ = 16_000
SENTENCES = 1200
ROOMS = 110
STEPS = 600
BATCH_S = 20.0
RANK = 8
RATES = (4e-4, 1.5e-3)
"""Of what changes freely, and of the small matrices."""

LEVEL = 32_768 * 10 ** (-26 / 20)
ACCENTS = (
    *("en-us", "en-029", "en-us-nyc+f2", "en-gb-x-gbcwmd", "en-gb-x-gbcwmd+f2", "en-gb+f1", "en-gb+m1", "en-gb+Denis"),
    *("en-gb-scotland+f4", "en-gb-x-rp+f2", "en-gb-x-rp+m6"),
)
VARIANTS = (
    *("f1", "f2", "f4", "m1", "m2", "m4", "m6", "m8", "Alicia", "Michael", "Mike", "Annie", "linda", "steph"),
    *("belinda", "david", "edward2", "grandma", "paul", "victor", "klatt2", "anika", "max", "rob", "adam"),
)
PACES = (1.0, 0.85, 0.9, 0.95, 1.06, 1.12, 1.18)
NOISES = (*("kitchen",) * 5, "dishes", "babble", "crowd", "music", "television", "water", "rain", "workshop")

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the learning network hears, bands (frames of 10 ms, 80), and how likely each phoneme is near."""

    heard: npt.NDArray[np.float32]
    near: npt.NDArray[np.float32]


def sentences(count: int, chance: random.Random) -> Iterator[Sound]:
    """Yield commands, commands with more words, and words, as synthetic voices say them, all equally loud."""
    words = sorted(word for word in (PRONUNCIATIONS | OTHER_WORDS) if word.isalpha())
    orders = sorted(vocabulary.commands())
    hibari = HibariVoice.load()
    with tempfile.TemporaryDirectory(prefix="edgevoice-room-network-") as folder:
        for _ in range(count):
            kind = chance.random()
            order = [chance.choice(("", "", "hey jarvis", "alexa", "please")), chance.choice(orders)]
            others = chance.choices(words, k=chance.randint(2, 7))
            said = order if kind < 0.45 else [*order, *others[:3]] if kind < 0.6 else others
            yield levelled(_said(" ".join(said).strip(), Path(folder, "said.wav"), hibari, chance))


def _said(text: str, file: Path, hibari: HibariVoice, chance: random.Random) -> Sound:
    voice = chance.random()
    if voice < 0.4:
        accent = chance.choice((*ACCENTS, *(f"en-us+{variant}" for variant in VARIANTS)))
        pace, pitch = str(chance.randint(120, 185)), str(chance.randint(30, 70))
        command_line("espeak-ng", "-v", accent, "-s", pace, "-p", pitch, "-w", "{file}", "{text}")(text, file)
        return read_wave(file)
    if voice < 0.66:
        command_line("flite", "-voice", "rms" if voice < 0.62 else "kal", "-t", "{text}", "-o", "{file}")(text, file)
        spoken = read_wave(file)
    else:
        samples = np.frombuffer(hibari.say(text, chance.uniform(0.8, 1.25)), "<i2").astype(np.float64)
        spoken = soxr.resample(samples, 24_000, RATE_HZ)
    changed: Sound = soxr.resample(spoken, RATE_HZ, RATE_HZ * chance.choice(PACES))
    return changed


def levelled(sound: Sound) -> Sound:
    """Return it at -26 dB of full scale, with its silence not counted."""
    loud = sound[np.abs(sound) > 0.02 * np.abs(sound).max(initial=1.0)]
    return sound * LEVEL / max(1.0, float(np.sqrt(np.mean(loud**2))))


def image_room(numbers: np.random.Generator) -> Sound:
    """Return the response of a room with a talker 3 m away, by the image method (Allen and Berkley 1979)."""
    size = numbers.uniform((4.2, 3.4, 2.4), (6.5, 4.6, 2.7))
    walls = 2 * (size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    kept = math.sqrt(1 - min(0.9, 0.161 * size.prod() / (walls * numbers.uniform(0.25, 0.45))))
    low, high = np.array([0.4, 0.4, 0.8]), np.array([size[0] - 0.4, size[1] - 0.4, 1.2])
    box = talker = np.zeros(3)
    while abs(float(np.linalg.norm(box - talker)) - 3.0) > 0.3:
        box, talker = numbers.uniform(low, high), numbers.uniform(low, high) + np.array([0.0, 0.0, 0.5])
    length = round(0.6 * RATE_HZ)
    response = np.zeros(length + 1)
    counts = np.minimum(22, np.ceil(0.6 * 343 / (2 * size)).astype(int) + 1)
    images = np.stack(np.meshgrid(*(np.arange(-count, count + 1) for count in counts), indexing="ij"))
    for mirrored in np.ndindex(2, 2, 2):
        side = np.array(mirrored).reshape(3, 1, 1, 1)
        place = (1 - 2 * np.array(mirrored)) * talker - box
        away = place.reshape(side.shape) + 2 * images * size.reshape(side.shape)
        distance = np.sqrt((away**2).sum(axis=0))
        bounces = (np.abs(images - side) + np.abs(images)).sum(axis=0)
        # Walls are no mirrors.
        at = distance / 343 * RATE_HZ + numbers.uniform(-2.4, 2.4, distance.shape) * (bounces > 0)
        near = (at >= 0) & (at < length)
        np.add.at(response, at[near].astype(int), (kept**bounces / distance)[near])
    # People face the box.
    response[: round(float(np.linalg.norm(box - talker)) / 343 * RATE_HZ) + 3] *= 1.6
    return response


def bare_room(numbers: np.random.Generator) -> Sound:
    """Return noise that decays, with the direct sound before it."""
    length = round(numbers.uniform(0.2, 0.75) * RATE_HZ)
    response = numbers.standard_normal(length) * np.exp(-math.log(1000) * np.arange(length) / length)
    response[:32] = 0.0
    response *= 10 ** (-numbers.uniform(-6, 6) / 20) / np.linalg.norm(response)
    response[0] = 1.0
    return response


def lessons(sounds: Iterator[Sound], folder: Path, numbers: np.random.Generator) -> Iterator[Lesson]:
    """Yield three of near, in a room, in a room beside noise, and near beside noise, for each sound."""
    (weights,) = read_weights()
    teacher = PhonemeNetwork(weights)
    rooms = [image_room(numbers) for _ in range(ROOMS)]
    beds = {kind: [soundfile.read(each)[0] for each in sorted(folder.glob(f"noises/{kind}/*.flac"))] for kind in NOISES}
    for number, spoken in enumerate(sounds):
        if not 0.25 * RATE_HZ < len(spoken) < 6 * RATE_HZ:
            continue
        sound = np.concatenate([np.zeros(numbers.integers(4800)), spoken, np.zeros(numbers.integers(4800))])
        near = teacher.frames(dereverberated(_samples(sound)))
        for place in {(number + each) % 4 for each in range(3)}:
            heard = sound
            if place in {1, 2}:
                response = rooms[numbers.integers(ROOMS)] if numbers.random() < 0.5 else bare_room(numbers)
                heard = _in_room(sound, response)
            if place in {2, 3}:
                choices = [bed for kind in NOISES for bed in beds[kind]]
                heard = heard + _noise(choices[numbers.integers(len(choices))], len(sound), numbers)
            gain = 10 ** (numbers.choice((0, 0, numbers.uniform(-12, 8))) / 20)
            yield Lesson(log_bands(dereverberated(_samples(heard * gain)), weights.bands), near)


def _samples(sound: Sound) -> npt.NDArray[np.float32]:
    return (np.rint(np.clip(sound, -32_768, 32_767)) / 32_768).astype(np.float32)


def _in_room(sound: Sound, response: Sound) -> Sound:
    size = len(sound) + len(response)
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: len(sound)]
    return np.asarray(heard * np.sqrt(np.mean(sound**2) / max(1e-9, float(np.mean(heard**2)))), np.float64)


def _noise(bed: Sound, count: int, numbers: np.random.Generator) -> Sound:
    under = np.take(bed, np.arange(count) + numbers.integers(len(bed)), mode="wrap")
    level = LEVEL * 10 ** (-numbers.uniform(4, 20) / 20)
    return np.asarray(under * level / max(1e-9, float(np.sqrt(np.mean(under**2)))), np.float64)


class Learner:
    """The network for PyTorch, with what it learns: ``changes``, by the names that `read_weights` knows."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = {name: torch.tensor(array) for name, array in arrays.items()}
        self.changes: dict[str, Any] = {}
        for name, array in self._arrays.items():
            if not name.startswith(("acoustic_model", "onnx")):
                continue
            if "MatMul" in name or ("pointwise" in name and name.endswith("weight")):
                inputs, outputs = array.shape if array.ndim == 2 else (array.shape[1], array.shape[0])
                self.changes[f"{name}.down"] = torch.randn(inputs, RANK) * array.std() / math.sqrt(RANK)
                self.changes[f"{name}.up"] = torch.zeros(RANK, outputs)
            else:
                self.changes[name] = torch.zeros_like(array)
        for change in self.changes.values():
            change.requires_grad_()

    def groups(self) -> list[dict[str, Any]]:
        """Return what the optimiser is to change, and how fast."""
        small = [change for name, change in self.changes.items() if name.endswith((".down", ".up"))]
        free = [change for name, change in self.changes.items() if not name.endswith((".down", ".up"))]
        return [{"params": each, "lr": rate, "most": rate} for each, rate in zip((free, small), RATES, strict=True)]

    def scores(self, heard: Any, absent: Any) -> Any:
        """Return logarithms of likelihoods, (sounds, frames, phonemes); ``absent`` are frames after a sound's end."""
        stem = functional.conv1d(heard.transpose(1, 2), self._of("onnx::Conv_801"), self._of("onnx::Conv_802"), 2, 1)
        present = (~absent)[:, :, None].float()
        values = functional.gelu(stem).transpose(1, 2) * present
        for number in range(BLOCKS):
            values = self._block(number, values, present)
        return functional.log_softmax(self._pointwise("acoustic_model.model.proj.", values), -1)

    def _block(self, number: int, values: Any, present: Any) -> Any:
        name = f"acoustic_model.model.blocks.{number}."
        matrix = [f"onnx::MatMul_{829 + 9 * number + each}" for each in (0, 1, 2, 6, 7, 8)]
        values = values + self._half_step(f"{name}ffn1.", matrix[0], matrix[1], values)
        attended = self._dense(matrix[2], f"{name}attn.in_proj_bias", self._norm(f"{name}attn_norm.", values))
        heads = [each.unflatten(-1, (4, -1)).transpose(1, 2) for each in attended.split(UNITS, -1)]
        mask = present[:, None, None, :, 0] > 0
        taken = functional.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2).flatten(2)
        values = values + self._dense(matrix[3], f"{name}attn.out_proj.bias", taken)
        gated = self._pointwise(f"{name}conv.pointwise1.", self._norm(f"{name}conv.norm.", values))
        gated = (functional.glu(gated, -1) * present).transpose(1, 2)
        taps, bias = (self._of(f"onnx::Conv_{804 + 3 * number + each}") for each in (0, 1))
        convolved = functional.silu(functional.conv1d(gated, taps, bias, padding=TAPS // 2, groups=UNITS))
        values = values + self._pointwise(f"{name}conv.pointwise2.", convolved.transpose(1, 2))
        return self._norm(f"{name}norm.", values + self._half_step(f"{name}ffn2.", matrix[4], matrix[5], values))

    def _half_step(self, name: str, wide: str, narrow: str, values: Any) -> Any:
        hidden = functional.silu(self._dense(wide, f"{name}fc1.bias", self._norm(f"{name}norm.", values)))
        return self._dense(narrow, f"{name}fc2.bias", hidden) / 2

    def _of(self, name: str) -> Any:
        return self._arrays[name] + self.changes[name]

    def _norm(self, name: str, values: Any) -> Any:
        return functional.layer_norm(values, (UNITS,), self._of(f"{name}weight"), self._of(f"{name}bias"))

    def _dense(self, matrix: str, bias: str, values: Any) -> Any:
        changed = values @ self.changes[f"{matrix}.down"] @ self.changes[f"{matrix}.up"]
        return values @ self._arrays[matrix] + changed + self._of(bias)

    def _pointwise(self, name: str, values: Any) -> Any:
        matrix, bias = self._arrays[f"{name}weight"][:, :, 0].T, self._of(f"{name}bias")
        if (free := self.changes.get(f"{name}weight")) is not None:
            return values @ (matrix + free[:, :, 0].T) + bias
        changed = values @ self.changes[f"{name}weight.down"] @ self.changes[f"{name}weight.up"]
        return values @ matrix + changed + bias


def loss_of(learner: Learner, batch: list[Lesson]) -> Any:
    """Return how far the learner is from what is heard near; frames with a phoneme count four times."""
    frames, bands = max(len(each.near) for each in batch), max(len(each.heard) for each in batch)
    heard, near = torch.zeros(len(batch), bands, 80), torch.zeros(len(batch), frames, batch[0].near.shape[1])
    absent = torch.ones(len(batch), frames, dtype=torch.bool)
    for number, each in enumerate(batch):
        heard[number, : len(each.heard)] = torch.tensor(each.heard)
        near[number, : len(each.near)] = torch.tensor(each.near).exp()
        absent[number, : len(each.near)] = False
    apart = (near * (torch.log(near + 1e-8) - learner.scores(heard, absent))).sum(-1)
    weights = (1 + 3 * (1 - near[:, :, -1])) * ~absent
    return (apart * weights).sum() / weights.sum()


def train(taught: list[Lesson], steps: int, report: Callable[[str], None]) -> Arrays:
    """Return what the network learned from these lessons."""
    learner, chance = Learner(published_arrays()), random.Random(1)
    optimiser = torch.optim.AdamW(learner.groups(), weight_decay=1e-4)
    batches: list[list[Lesson]] = [[]]
    for lesson in sorted(taught, key=lambda each: len(each.heard)):
        if batches[-1] and (len(batches[-1]) + 1) * len(lesson.heard) > 100 * BATCH_S:
            batches.append([])
        batches[-1].append(lesson)
    for step in range(steps):
        if step % len(batches) == 0:
            chance.shuffle(batches)
        for group in optimiser.param_groups:
            group["lr"] = group["most"] * min(1.0, (step + 1) / 30) * 0.5 * (1 + math.cos(math.pi * step / steps))
        loss = loss_of(learner, batches[step % len(batches)])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(learner.changes.values()), 1.0)
        optimiser.step()
        if step % 50 == 0 or step == steps - 1:
            report(f"step {step} of {steps}: {loss.item():.3f}")
    return {name: change.detach().numpy() for name, change in learner.changes.items()}


def main() -> None:
    """Read the arguments, and train."""
    parser = argparse.ArgumentParser(
        prog="scripts/room-network",
        description="Train the phoneme network for rooms and noise. Takes half an hour of one core, and needs"
        " espeak-ng, flite and PyTorch.",
    )
    parser.add_argument("folder", type=Path, help="recordings of noises and people: tune/ of scripts/sounds")
    parser.add_argument("--people", type=Path, help="further recordings of people, as FLAC or WAV at 16 kHz")
    parser.add_argument("--to", type=Path, default=IN_ROOMS, help="where to write the changes")
    parser.add_argument("--sentences", type=int, default=SENTENCES, help=f"how many are said (default {SENTENCES})")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of training (default {STEPS})")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    folders = [given.folder / "near", *([given.people] if given.people is not None else [])]
    people = [levelled(soundfile.read(each)[0]) for folder in folders for each in sorted(folder.rglob("*.*a*"))]

    def sounds() -> Iterator[Sound]:
        yield from sentences(given.sentences, random.Random(100))
        yield from people

    changes = train(list(lessons(sounds(), given.folder, np.random.default_rng(1))), given.steps, print)
    with given.to.open("wb") as file:
        np.savez_compressed(file, **{name: change.astype(np.float16) for name, change in changes.items()})


if __name__ == "__main__":
    main()
