"""Every reason why a model may not load, each with its own error line and a remedy."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.refusals import refusal_of

WEIGHTS = np.full((16 * 96, 1), 1e-3)


def model(kind: int = TensorProto.FLOAT, operator: str = "Sigmoid", domain: str = "") -> ModelProto:
    """A wake word model that multiplies its input by its weights."""
    weights = WEIGHTS.astype(helper.tensor_dtype_to_np_dtype(kind))
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["sound"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["sum"]),
            helper.make_node(operator, ["sum"], ["score"], domain=domain),
        ],
        "word",
        [helper.make_tensor_value_info("sound", kind, [1, 16, 96])],
        [helper.make_tensor_value_info("score", kind, [1, 1])],
        [numpy_helper.from_array(weights, "weights")],
    )
    opsets = [helper.make_opsetid("", 13), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def refused(path: Path) -> tuple[str, str]:
    """Return the error and the remedy that loading a file gives, one line each."""
    with pytest.raises(WakeWordUnavailable) as refusal:
        Classifier(path)
    assert "\n" not in refusal.value.line()
    text = str(refusal.value)
    assert text.startswith(str(path))
    return text.removeprefix(f"{path} "), refusal.value.remedy


def test_the_model_used_by_these_tests_loads(tmp_path: Path) -> None:
    onnx.save(model(), str(tmp_path / "w.onnx"))

    assert Classifier(tmp_path / "w.onnx").embeddings_seen == 16


def with_weights_beside(folder: Path, location: str = "w.onnx.data") -> Path:
    onnx.save(model(), str(folder / "w.onnx"), save_as_external_data=True, location="w.onnx.data", size_threshold=0)
    if location != "w.onnx.data":
        made = onnx.load(str(folder / "w.onnx"), load_external_data=False)
        made.graph.initializer[0].external_data[0].value = location
        onnx.save(made, str(folder / "w.onnx"))
    return folder / "w.onnx"


def test_a_model_with_external_weights_beside_it_is_loaded(tmp_path: Path) -> None:
    assert Classifier(with_weights_beside(tmp_path)).embeddings_seen == 16


def test_a_missing_weights_file_is_named_with_the_folder_it_belongs_in(tmp_path: Path) -> None:
    path = with_weights_beside(tmp_path)
    (tmp_path / "w.onnx.data").unlink()

    found, remedy = refused(path)

    assert found == "cannot be loaded: its weights are in w.onnx.data, which is not beside it"
    assert f"Copy w.onnx.data into {tmp_path}" in remedy


def test_for_a_renamed_model_the_error_gives_the_old_name_of_its_weights(tmp_path: Path) -> None:
    path = with_weights_beside(tmp_path).rename(tmp_path / "computer.onnx")
    (tmp_path / "w.onnx.data").rename(tmp_path / "computer.onnx.data")

    assert "its weights are in w.onnx.data" in refused(path)[0]


def test_a_truncated_weights_file_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = with_weights_beside(tmp_path)
    os.truncate(tmp_path / "w.onnx.data", 100)

    assert "its weights in w.onnx.data are cut short" in refused(path)[0]
    assert capfd.readouterr().err == "", "no words of onnxruntime's own"


def test_weights_outside_the_models_folder_are_named(tmp_path: Path) -> None:
    assert (
        "its weights are in ../away.data, outside its own folder"
        in refused(with_weights_beside(tmp_path, "../away.data"))[0]
    )


@pytest.mark.parametrize(
    ("kind", "name"), [(TensorProto.FLOAT16, "float16"), (TensorProto.DOUBLE, "float64")], ids=["half", "double"]
)
def test_a_wrong_element_type_is_reported_with_the_expected_one(tmp_path: Path, kind: int, name: str) -> None:
    onnx.save(model(kind), str(tmp_path / "w.onnx"))

    found, remedy = refused(tmp_path / "w.onnx")

    assert found == f"cannot be used: it takes {name} and gives {name}, and both must be float32"
    assert "float32" in remedy


def aged(change: Callable[[ModelProto], None]) -> ModelProto:
    made = model()
    change(made)
    return made


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (aged(lambda made: setattr(made, "ir_version", 99)), "its ONNX format (IR version 99) is newer than this"),
        (aged(lambda made: setattr(made.opset_import[0], "version", 99)), "its operators (opset 99) are newer than"),
        (model(operator="Nonsense"), "this onnxruntime has no operator Nonsense, which it uses"),
        (model(domain="com.example"), "this onnxruntime has no operator com.example:Sigmoid, which it uses"),
    ],
    ids=["format", "operators", "operator", "domain"],
)
def test_a_model_of_another_version_or_origin_is_reported_with_what_it_needs(
    tmp_path: Path, made: ModelProto, found: str
) -> None:
    onnx.save(made, str(tmp_path / "w.onnx"))

    told, remedy = refused(tmp_path / "w.onnx")

    assert told.startswith(f"cannot be loaded: {found}")
    assert "xport" in remedy


@pytest.mark.parametrize(
    ("content", "found", "advice"),
    [
        (b"", "it is empty", "Copy the file again"),
        (bytes(5000), "it contains only zeros", "Copy the file again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "it is a Git LFS pointer", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html>", "it is a web page", "raw file"),
        (b"\n <html lang=en>", "it is a web page", "raw file"),
        (b"\x1c\0\0\0TFL3\x14\0", "it is a TensorFlow Lite model", ".onnx file of the same word"),
        (b"PK\x03\x04\x14", "it is an archive, or a PyTorch checkpoint", "Unpack it"),
        (b"\x1f\x8b\x08", "it is packed with gzip", "gunzip"),
        (b"This is a letter to my aunt.", "it is not an ONNX file, or is damaged", "Copy the file again"),
        (model().SerializeToString()[:3000], "it is not an ONNX file, or is damaged", "Copy the file again"),
    ],
    ids=["empty", "zeros", "LFS", "page", "page without type", "tflite", "zip", "gzip", "letter", "cut short"],
)
def test_another_kind_of_file_is_reported_by_its_kind(tmp_path: Path, content: bytes, found: str, advice: str) -> None:
    (tmp_path / "w.onnx").write_bytes(content)

    told, remedy = refused(tmp_path / "w.onnx")

    assert told.startswith(f"cannot be loaded: {found}")
    assert advice in remedy


def test_an_unreadable_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)

    assert refusal_of(tmp_path / "w.onnx", RuntimeError()).found == "it cannot be read: Permission denied"


def test_an_unforeseen_error_is_reported_briefly_in_the_runtimes_own_words(tmp_path: Path) -> None:
    (tmp_path / "w.onnx").write_bytes(b"\x08\x08 a model")
    refusal = refusal_of(tmp_path / "w.onnx", ValueError("a\nlong " + "story " * 99 + "with an end"))

    assert refusal.found.startswith("onnxruntime cannot load it: ValueError: …")
    assert refusal.found.endswith("story with an end")
    assert len(refusal.found) < 250


def test_an_operator_without_a_kernel_for_the_element_type_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.onnx").write_bytes(b"\x08\x08 a model")
    words = "NOT_IMPLEMENTED : Could not find an implementation for Gemm(13) node with name 'x'"

    assert "no operator Gemm" in refusal_of(tmp_path / "w.onnx", RuntimeError(words)).found


def test_when_an_older_onnxruntime_does_not_name_missing_weights_the_usual_name_is_checked(
    tmp_path: Path,
) -> None:
    (tmp_path / "w.onnx").write_bytes(b"\x08\x08 a model")

    assert "in w.onnx.data, which" in refusal_of(tmp_path / "w.onnx", RuntimeError("open external data failed")).found
