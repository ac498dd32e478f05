#!/usr/bin/env bash
# Builds llama.cpp (sources of the PyPI package llama-cpp-python) and the
# programs of this folder into build/bench. Usage: bench/llama/setup.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. ./tools/dev/setup.sh
bench=build/bench
venv=$bench/venv
mkdir -p "$bench"
cxx=("$llvm/bin/clang++" -std=c++20 -O3 -I. -Iruntime/include)

install_packages clang-22 cmake ninja-build python3-venv
make_venv "$venv" numpy
. ./bench/peers/get_ggml.sh
[ -d "$bench/llama.cpp" ] || exit 1
cmake -S "$bench/llama.cpp" -B "$bench/llama" -G Ninja \
  -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON \
  -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_TOOLS=OFF \
  -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF \
  >/dev/null
ninja -C "$bench/llama" llama >/dev/null

libraries=("$bench/llama/src/libllama.a")
for name in ggml ggml-cpu ggml-base; do
  libraries+=("$bench/llama/ggml/src/lib$name.a")
done
for program in llama tokenize; do
  "${cxx[@]}" -I"$bench/llama.cpp/include" -I"$bench/llama.cpp/ggml/include" \
    "bench/llama/$program.cpp" "${libraries[@]}" -fopenmp=libgomp -ldl \
    -lpthread -o "$bench/bench-$program"
done
"${cxx[@]}" bench/llama/moec.cpp -Lbuild/lib -lmoec \
  -Wl,-rpath,'$ORIGIN/../lib' -o "$bench/bench-moec"
