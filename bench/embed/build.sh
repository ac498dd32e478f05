#!/usr/bin/env bash
# Builds what bench/embed/run.py runs into a folder. ONNX Runtime's native operator
# is built where ORT_INCLUDE_DIR names the folder of onnxruntime_c_api.h. Usage:
# bench/embed/build.sh [FOLDER, build/bench], after integrations/setup_engines.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. ./tools/dev/setup.sh
bench=build/bench
out=${1:-$bench}
cxx=("$llvm/bin/clang++" -std=c++20 -O3 -march=native -fopenmp -I. -Iruntime/include)

"${cxx[@]}" -I"$bench/llama.cpp/ggml/include" -Iintegrations/ggml \
  bench/embed/ggml.cpp integrations/ggml/moec_ggml.cpp \
  "$bench/ggml/src/libggml-cpu.a" "$bench/ggml/src/libggml-base.a" \
  -ldl -lpthread -o "$out/embed-ggml"
if [ -n "${ORT_INCLUDE_DIR:-}" ]; then
  "${cxx[@]}" -shared -fPIC -fvisibility=hidden -isystem "$ORT_INCLUDE_DIR" \
    integrations/onnxruntime/moec_onnxruntime.cpp build/lib/libmoec_runtime.a \
    -o "$out/libmoec_onnxruntime.so"
fi
