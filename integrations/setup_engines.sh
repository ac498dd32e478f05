#!/usr/bin/env bash
# Gets what the tests of integrations/ggml and integrations/onnxruntime need:
# ggml's sources, built, and ONNX Runtime with its extensions, in build/bench;
# without them those tests are told as unsupported.
set -euo pipefail
cd "$(dirname "$0")/.."
. ./tools/dev/setup.sh
bench=build/bench
venv=$bench/venv
install_packages clang-22 libomp-22-dev cmake ninja-build python3-venv
make_venv "$venv" numpy matplotlib # as bench/peers/setup.sh does
"$venv/bin/python3" -m pip install -q --disable-pip-version-check onnx \
  onnxruntime onnxruntime-extensions
. ./bench/peers/get_ggml.sh
