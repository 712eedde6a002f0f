"""The editor of settings files: each value is put in its place, and the user's own text is kept."""

import tomllib

import pytest

from edgevoice.settings.editing import EditRefused, put

THRESHOLD = ("wakeword", "threshold")
ALEXA = ("wakeword", "words", "alexa", "threshold")

WRITTEN = {
    "the value that stands there": (
        "[wakeword]\nthreshold = 0.5 # mine\ngate = 'off'\n",
        THRESHOLD,
        "[wakeword]\nthreshold = 0.3 # mine\ngate = 'off'\n",
    ),
    "below the default that stands there as a comment": (
        "[wakeword]\n# threshold = 0.5\n# the end\n",
        THRESHOLD,
        "[wakeword]\n# threshold = 0.5\nthreshold = 0.3\n# the end\n",
    ),
    "into a section of its own": ("# mine\n", THRESHOLD, "# mine\n\n[wakeword]\nthreshold = 0.3\n"),
    "behind a name with a dot": (
        "wakeword.gate = 'off'\n[log]\nlevel = 'info'\n",
        THRESHOLD,
        "wakeword.gate = 'off'\nwakeword.threshold = 0.3\n[log]\nlevel = 'info'\n",
    ),
    "into a word's own section": (
        "[wakeword]\n[wakeword.words.alexa]\nvoice = 'Mark' # he\nthreshold = 0.6\n[log]\nlevel = 'info'\n",
        ALEXA,
        "[wakeword]\n[wakeword.words.alexa]\nvoice = 'Mark' # he\nthreshold = 0.3\n[log]\nlevel = 'info'\n",
    ),
    "into a word's own section that lacks it": (
        "[wakeword.words.alexa]\nvoice = 'Mark'\n[wakeword.words.computer]\nmodel = '/c.onnx'\n",
        ALEXA,
        "[wakeword.words.alexa]\nvoice = 'Mark'\nthreshold = 0.3\n[wakeword.words.computer]\nmodel = '/c.onnx'\n",
    ),
    "beside a word that is named only": (
        "[wakeword]\nthreshold = 0.5\n[wakeword.words.alexa]\n",
        ALEXA,
        "[wakeword]\nthreshold = 0.5\n[wakeword.words.alexa]\nthreshold = 0.3\n",
    ),
}


@pytest.mark.parametrize(("before", "path", "after"), WRITTEN.values(), ids=WRITTEN)
def test_a_value_is_written(before: str, path: tuple[str, ...], after: str) -> None:
    assert put(before, {path: 0.3}) == after


def test_a_setting_with_the_right_value_is_left_as_it_was_written() -> None:
    assert put("[wakeword]\nthreshold=0.30 # so\n", {THRESHOLD: 0.3}) == "[wakeword]\nthreshold=0.30 # so\n"


def test_a_value_chosen_by_a_person_stays_where_only_a_known_old_value_is_replaced() -> None:
    path = ("speaker", "device")

    assert put("[speaker]\ndevice = 'mine'\n", {path: "new"}, "old") == "[speaker]\ndevice = 'mine'\n"
    assert put("[speaker]\ndevice = 'old'\n", {path: "new"}, "old") == '[speaker]\ndevice = "new"\n'


def test_two_values_are_written_at_once() -> None:
    after = put("[wakeword]\n", {THRESHOLD: 0.9, ("wakeword", "sure_threshold"): 0.9})

    assert tomllib.loads(after) == {"wakeword": {"threshold": 0.9, "sure_threshold": 0.9}}


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("[wakeword\n", THRESHOLD, "it is no TOML: "),
        ("wakeword = 3\n", THRESHOLD, "wakeword is not a section"),
        (
            "[wakeword]\nwords = {alexa = {threshold = 0.6}}\n",
            ALEXA,
            "only a person can edit how this is written: [wakeword.words.alexa]",
        ),
        (
            "[wakeword.words]\nalexa = {voice = 'Mark'}\n",
            ALEXA,
            "only a person can edit how this is written: [wakeword.words.alexa]",
        ),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_not_edited(text: str, path: tuple[str, ...], problem: str) -> None:
    with pytest.raises(EditRefused) as refused:
        put(text, {path: 0.3})

    assert str(refused.value).startswith(problem)
