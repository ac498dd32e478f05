#!/usr/bin/env bash
# Installs the engines that run.py compares with, each on its own, and says what
# is left out: OpenBLAS (Debian), ggml (sources of the PyPI package
# llama-cpp-python), ONNX Runtime, PyTorch and transformers (PyPI). Then builds
# the programs of this folder into build/bench. Usage: bench/peers/setup.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. ./tools/dev/setup.sh
bench=build/bench
venv=$bench/venv
mkdir -p "$bench"
cxx=("$llvm/bin/clang++" -std=c++20 -O3 -march=native -fopenmp -I. -Iruntime/include)

install_packages clang-22 libomp-22-dev libopenblas-dev cmake ninja-build \
  python3-venv

make_venv "$venv" numpy matplotlib
"$venv/bin/python3" -m pip install -q --disable-pip-version-check onnx onnxruntime ||
  echo "ONNX Runtime is left out: PyPI does not give it"
# PyTorch names the CUDA libraries that it was built for; on a CPU it only has to
# find the few that it links.
if ! "$venv/bin/python3" -c 'import torch' 2>/dev/null; then
  "$venv/bin/python3" -m pip install -q --disable-pip-version-check --no-deps torch \
    nvidia-cufile nvidia-cusparselt-cu13 nvidia-nvshmem-cu13 nvidia-nccl-cu13 &&
    "$venv/bin/python3" -m pip install -q --disable-pip-version-check transformers sympy \
      networkx jinja2 fsspec filelock typing-extensions setuptools ||
    echo "PyTorch is left out: PyPI does not give it"
fi

. ./bench/peers/get_ggml.sh
if [ -d "$bench/llama.cpp" ]; then
  "${cxx[@]}" -I"$bench/llama.cpp/ggml/include" bench/peers/ggml.cpp \
    "$bench/ggml/src/libggml-cpu.a" "$bench/ggml/src/libggml-base.a" \
    -ldl -lpthread -o "$bench/peer-ggml"
fi

"${cxx[@]}" bench/peers/openblas.cpp -lopenblas -o "$bench/peer-openblas"
"${cxx[@]}" bench/peers/roof.cpp tools/moe-bench/Roof.cpp -o "$bench/peer-roof"
"${cxx[@]}" bench/peers/moec.cpp -Lbuild/lib -lmoec \
  -Wl,-rpath,'$ORIGIN/../lib' -o "$bench/peer-moec"
