"""Checks of the configuration: settings, key, wake words and the echo measurement. Opens no device."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from edgevoice.doctor.findings import Finding, doubtful, fine, wrong
from edgevoice.echo.canceller import EchoCanceller
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.record import EchoRecord
from edgevoice.echo.suppressor import Suppressor
from edgevoice.echo.tier_choice import choose
from edgevoice.echo.tiers import Tier
from edgevoice.errors import EchoUnavailable, WakeWordUnavailable
from edgevoice.host.credentials import Key
from edgevoice.settings.catalogue import ENTRIES
from edgevoice.settings.file import Loaded
from edgevoice.settings.schema import Settings
from edgevoice.settings.wakeword import WakewordEngine
from edgevoice.wakeword.engine import kernel_in, open_scorer
from edgevoice.wakeword.models.front_end import PartsUnavailable
from edgevoice.wakeword.models.present import in_reach, is_in_home, words_present
from edgevoice.wakeword.opening import opinions_on
from edgevoice.wakeword.scorer import LibraryScorer
from edgevoice.wakeword.words import WakeWord, wake_words

_LICENCES: Mapping[WakewordEngine, str] = MappingProxyType(
    {
        "streaming": "CC BY-NC-SA 4.0, not for commercial use",
        "openwakeword": "CC BY-NC-SA 4.0, not for commercial use",
        "microwakeword": "Apache-2.0",
    }
)
"""The licence of each engine's models, according to its README; models that people train themselves are theirs."""

_MEASURE = "Run it once in the room: edgevoice doctor --echo"
_GIVE_KEY = "sudo scripts/setup --key-file FILE; if it is not a service: service.key_file or EDGEVOICE_API_KEY."
_LIBRARY_WANTS = ("sklearn", "scipy", "tqdm")
"""What openWakeWord's own engine imports; scripts/setup does not install it."""

_CANCELLERS: Mapping[Tier, tuple[Callable[[], EchoCanceller], ...]] = MappingProxyType(
    {Tier.LINEAR: (LinearCanceller,), Tier.SUPPRESSOR: (LinearCanceller, Suppressor)}
)


def judge_settings(loaded: Loaded) -> Finding:
    """Report where the settings come from, and how many differ from the defaults."""
    changed = sum(is_changed(name, loaded) for name in loaded.origins)
    where = str(loaded.source) if loaded.source else "no file; the defaults"
    return fine("settings", f"{where}, {changed} changed" if changed else where, changed=changed)


def is_changed(name: str, loaded: Loaded) -> bool:
    """Return whether a setting, given by its full name, differs from its default."""
    entry = ENTRIES[name]
    return bool(getattr(getattr(loaded.settings, entry.section), entry.name) != entry.default)


def judge_key(key: Key | None, settings: Settings) -> Finding:
    """Report where the key comes from, never what it is."""
    if key is not None:
        return fine("key", f"from {key.source}")
    if settings.service.url == "local":
        return fine("key", "none, and none needed")
    if settings.service.url:
        return doubtful("key", "none; the service may require one", _GIVE_KEY)
    return doubtful("key", "none: the service inside the box answers", _GIVE_KEY)


_WITHOUT_KERNEL: Final = (
    "; computed by onnxruntime: the kernel, which needs 35 MB less, was not compiled here "
    "(sudo apt-get install gcc libc6-dev, and run scripts/setup again)"
)

_LEAST_THRESHOLDS: Final = {("streaming", "alexa"): 0.9, ("openwakeword", "alexa"): 0.9}
"""Words that wake falsely more than 20 times in 24 h of talk below this threshold (docs/wake-word.md)."""


def examine_words(settings: Settings, cache: Path, *, hides_homes: bool = False) -> Finding:
    """Load the wake word models as the daemon would, release them, and report their licence.

    ``cache`` is the folder for files that are derived from them once. ``hides_homes`` says that the box is a service
    that cannot read home folders, although the user who runs this check may.
    """
    try:
        words = wake_words(settings.wakeword)
        return _examine_found(settings, words, cache, hides_homes=hides_homes)
    except WakeWordUnavailable as error:
        return wrong("wake word", str(error), error.remedy, code=error.code)


def _examine_found(settings: Settings, words: Sequence[WakeWord], cache: Path, *, hides_homes: bool) -> Finding:
    """Check words whose files exist; raise ``WakeWordUnavailable`` for one that cannot be used."""
    models = [word.model for word in words]
    chosen = settings.wakeword
    brought = set(words_present(chosen.engine).values())
    for number, word in enumerate(words):
        # The package's models lie beside this program, and for the service beside the service's program.
        if hides_homes and word.model not in brought and is_in_home(word.model):
            setting = f"wakeword.words.{word.name}" if number else "wakeword.model"
            problem = f"{setting} is {word.model}; the service cannot read home folders"
            raise WakeWordUnavailable(problem, remedy=in_reach(setting))
    has_kernel = chosen.engine == "streaming" and _kernel_computes(models, cache)
    if chosen.engine != "microwakeword" and not has_kernel and not _has("onnxruntime"):
        return wrong("wake word", "onnxruntime, which runs it, is not installed", "pip install onnxruntime")
    if chosen.engine == "openwakeword" and (missing := [name for name in _LIBRARY_WANTS if not _has(name)]):
        remedy = 'Set wakeword.engine = "streaming": it gives the same scores, and scripts/setup installs it.'
        return wrong("wake word", f"the engine openwakeword needs {', '.join(missing)}: not installed", remedy)
    opinions = opinions_on(words, None)
    scorer = open_scorer(models, engine=chosen.engine, gate=chosen.gate, cache=cache, opinions=opinions)
    if isinstance(scorer, LibraryScorer) and chosen.engine == "streaming":
        text = "its front end cannot be built here; the engine openwakeword replaces it, at eight times the CPU cost"
        return doubtful("wake word", text, PartsUnavailable.remedy)
    names = ", ".join(word.name for word in words)
    licence = f" ({_LICENCES[chosen.engine]})" if any(word.model in brought for word in words) else " (your own)"
    often = "".join(
        f"; {word.name} at {word.thresholds.threshold:g} often wakes falsely: docs/wake-word.md has a better threshold"
        for word in words
        if word.model in brought and word.thresholds.threshold < _LEAST_THRESHOLDS.get((chosen.engine, word.name), 0)
    )
    computed = _WITHOUT_KERNEL if chosen.engine == "streaming" and kernel_in(cache) is None else ""
    return fine("wake word", f"{names}{licence}{often}{computed}", words=len(words))


def _kernel_computes(models: Sequence[Path], cache: Path) -> bool:
    """Return whether the kernel computes all of the models, so that onnxruntime is not needed."""
    if (kernel := kernel_in(cache)) is None:
        return False
    kernel.learn(models)
    return all(kernel.computes(model) for model in models)


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def examine_echo(settings: Settings, record: EchoRecord | None) -> Finding:
    """Report which echo tier applies, whether it was measured here, and whether its libraries are installed."""
    chosen = choose(settings, record)
    if settings.echo.tier == "auto" and chosen.why != "measured by the self-test":
        return doubtful("echo", f"tier none: {chosen.why.partition(':')[0]}", _MEASURE)
    try:
        for make in _CANCELLERS.get(chosen.tier, ()):
            make()
    except EchoUnavailable as error:
        return wrong("echo", f"tier {chosen.tier}: {error}", error.remedy, code=error.code)
    when = f", measured {record.measured_at[:10]}" if record is not None and settings.echo.tier == "auto" else ""
    return fine("echo", f"tier {chosen.tier}{when or ', chosen in the settings'}")
