"""Making the front end's parts and keeping them: once for each release of the models, by a child, and never trusted
blindly.
"""

import errno
import importlib.util
import io
import logging
import os
import subprocess
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edgevoice.errors import WakeWordUnavailable, can_pass
from edgevoice.wakeword import __main__ as command
from edgevoice.wakeword import engine
from edgevoice.wakeword.models import front_end, make_front_end
from edgevoice.wakeword.models.front_end import FrontEndParts, PartsUnavailable, parts_of
from edgevoice.wakeword.models.graph import GraphUnknown, streaming_graph
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.scorer import LibraryScorer, StreamingScorer
from tests.wakeword import sounds


def kept_in(folder: Path) -> Path:
    (file,) = folder.glob("wakeword-front-end-*.npz")
    return file


def never(*_arguments: Any, **_named: Any) -> Any:
    raise AssertionError("nothing was to be made")


def made_parts() -> bytes:
    made = io.BytesIO()
    sounds.parts().dump(made)
    return made.getvalue()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.msg, vars(record)["fields"]["problem"]) for record in caplog.records]


def test_the_parts_are_made_once_and_then_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "not there yet"

    made = parts_of(folder)
    monkeypatch.setattr(front_end, "_make_in_child", never)

    assert parts_of(folder).graph == made.graph == sounds.parts().graph
    assert np.array_equal(parts_of(folder).mel, sounds.parts().mel)
    assert [path.name for path in folder.iterdir()] == [kept_in(folder).name]


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty", "another file", "a folder"])
def test_a_damaged_part_is_detected_and_made_again(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(front_end, "_make_in_child", made_parts)
    parts_of(tmp_path)
    kept = kept_in(tmp_path)
    whole = bytearray(kept.read_bytes())
    match damage:
        case "cut short":
            kept.write_bytes(whole[:-5000])
        case "one bit":
            whole[len(whole) // 2] ^= 1
            kept.write_bytes(whole)
        case "empty":
            kept.write_bytes(b"")
        case "another file":
            np.savez(kept, window=np.zeros(3), mel=np.zeros(3), graph=np.zeros(3))
        case _:
            kept.unlink()
            kept.mkdir()

    again = parts_of(tmp_path)

    assert again.graph == sounds.parts().graph
    assert told(caplog)[0][0] == "wakeword-cache"
    if damage != "a folder":
        assert FrontEndParts.read(kept).graph == again.graph


def test_a_read_only_cache_costs_only_time_and_a_log_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(front_end, "_make_in_child", made_parts)
    (tmp_path / "file").touch()

    assert parts_of(tmp_path / "file" / "folder").graph == sounds.parts().graph
    assert all(event == "wakeword-cache" for event, _ in told(caplog))
    assert "cannot be written" in told(caplog)[-1][1]


def test_the_parts_of_a_different_model_release_replace_those_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_end, "_make_in_child", made_parts)
    parts_of(tmp_path)
    (before,) = tmp_path.glob("wakeword-front-end-*.npz")
    newer = tmp_path / "newer.onnx"
    newer.write_bytes(b"another release")
    monkeypatch.setattr(front_end, "find_part", lambda _name: newer)

    parts_of(tmp_path)

    (after,) = tmp_path.glob("wakeword-front-end-*.npz")
    assert after != before


def test_without_onnx_and_a_cache_the_library_engine_is_used_and_one_line_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    models = [words_present()["hey_jarvis"]]
    find_spec = importlib.util.find_spec

    def without_onnx(name: str) -> ModuleSpec | None:
        return None if name == "onnx" else find_spec(name)

    monkeypatch.setattr(engine, "kernel_in", lambda _folder: None)
    monkeypatch.setattr(importlib.util, "find_spec", without_onnx)
    with caplog.at_level(logging.WARNING):
        scorer = engine.open_scorer(models, engine="streaming", gate="energy", cache=tmp_path)

    assert isinstance(scorer, LibraryScorer)
    ((event, problem),) = told(caplog)
    assert event == "wakeword-engine"
    assert "onnx is not installed" in problem
    assert "pip install onnx" in problem

    # With a cache no child process is needed.
    sounds.parts().write(tmp_path / f"wakeword-front-end-{front_end._fingerprint()}.npz")
    scorer = engine.open_scorer(models, engine="streaming", gate="energy", cache=tmp_path)
    assert isinstance(scorer, StreamingScorer)


def test_with_the_library_engine_selected_no_parts_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "parts_of", never)

    scorer = engine.open_scorer([words_present()["alexa"]], engine="openwakeword", gate="off", cache=tmp_path)

    assert isinstance(scorer, LibraryScorer)


@pytest.mark.parametrize(
    ("failure", "words", "may_pass"),
    [
        (subprocess.CalledProcessError(1, "python", stderr=b"much\nat last the reason"), "at last the reason", False),
        (subprocess.CalledProcessError(75, "python", stderr=b"No space left on device"), "No space left", True),
        (subprocess.CalledProcessError(-9, "python", stderr=b""), "no reason given", True),
        (subprocess.TimeoutExpired("python", 120), "it took longer than 120 s", True),
        (
            OSError(errno.ENOMEM, "Cannot allocate memory"),
            "the process that makes it cannot be started: Cannot allocate memory",
            True,
        ),
        (
            BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
            "the process that makes it cannot be started",
            True,
        ),
    ],
)
def test_a_failed_child_is_one_error_with_its_last_line_and_whether_a_retry_may_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str, *, may_pass: bool
) -> None:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(PartsUnavailable, match=words) as refused:
        parts_of(tmp_path)
    assert can_pass(refused.value) is may_pass


def test_damaged_output_of_the_child_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_end, "_make_in_child", lambda: made_parts()[:-5000])

    with pytest.raises(PartsUnavailable, match="front end is damaged, as it was made"):
        parts_of(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_parts_are_made_even_when_no_folder_is_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "mkdtemp", never)
    monkeypatch.setattr(tempfile, "mkstemp", never)

    assert parts_of(tmp_path / "file" / "cache").graph == sounds.parts().graph


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), MemoryError()])
def test_the_childs_exit_status_says_that_a_retry_may_help(
    failure: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> FrontEndParts:
        raise failure

    monkeypatch.setattr(make_front_end, "make_parts", fail)

    assert command.main(["-"]) == os.EX_TEMPFAIL
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bug_in_the_child_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> FrontEndParts:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(make_front_end, "make_parts", fail)

    with pytest.raises(PermissionError):
        command.main(["-"])


def test_the_front_end_can_be_made_at_install_time(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgevoice.wakeword"],
        env={"XDG_CACHE_HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert kept_in(tmp_path / "edgevoice").is_file()


def test_the_runtime_sends_no_telemetry_and_stores_no_device_id(tmp_path: Path) -> None:
    parts_file = tmp_path / "parts.npz"
    sounds.parts().write(parts_file)
    script = """if True:
        import sys
        from pathlib import Path
        from edgevoice.wakeword.models.front_end import FrontEndParts
        from edgevoice.wakeword.models.onnx_session import open_session
        open_session(FrontEndParts.read(Path(sys.argv[1])).graph)
    """
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "home"), "PATH": ""}
    subprocess.run([sys.executable, "-c", script, str(parts_file)], env=environment, check=True, timeout=60)

    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "home").exists()


def test_an_install_that_cannot_make_the_front_end_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(_name: str) -> Path:
        raise WakeWordUnavailable("the package openwakeword does not bring melspectrogram.onnx")

    monkeypatch.setattr(make_front_end, "find_part", missing)

    assert command.main(["-"]) == 1
    assert "does not bring melspectrogram.onnx" in capsys.readouterr().err


# --- networks of another kind ----------------------------------------------------------------------------------------


def changed(operation: str, attribute: str, value: Any) -> bytes:
    """Return the embedding network with an attribute of every such step changed."""
    model = onnx.load(str(find_part("embedding_model")))
    for node in model.graph.node:
        if node.op_type == operation:
            for each in [each for each in node.attribute if each.name == attribute]:
                node.attribute.remove(each)
            node.attribute.append(helper.make_attribute(attribute, value))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (lambda: changed("Conv", "pads", [1, 1, 1, 1]), "moves along time in an unknown way"),
        (lambda: changed("Conv", "strides", [2, 1]), "moves along time in an unknown way"),
        (lambda: changed("MaxPool", "strides", [1, 2]), "overlaps along time"),
        (lambda: find_part("melspectrogram").read_bytes(), "a step Constant, which takes nothing"),
        (words_present()["alexa"].read_bytes, "a step Flatten"),
    ],
)
def test_a_network_of_another_structure_is_refused_rather_than_rewritten_wrongly(model: Any, complaint: str) -> None:
    with pytest.raises(GraphUnknown, match=complaint):
        streaming_graph(model())


def test_a_rewrite_that_changes_the_result_is_detected_before_it_is_cached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(embedding_model: bytes) -> bytes:
        model = onnx.load_model_from_string(streaming_graph(embedding_model))
        weights = next(tensor for tensor in model.graph.initializer if tensor.dims == [96, 96, 3, 1])
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * np.float32(1.01), weights.name))
        return bytes(model.SerializeToString())

    monkeypatch.setattr(make_front_end, "streaming_graph", wrong)

    with pytest.raises(PartsUnavailable, match="embedding network differs by"):
        make_front_end.make_parts()
