#!/usr/bin/env bash
# Builds the two programs of run.py, from OpenBLAS and OpenMP (Debian:
# libopenblas-dev and libomp-22-dev) and a built moec. Usage:
# bench/routings/build.sh [FOLDER, build/bench]
set -euo pipefail
cd "$(dirname "$0")/../.."
. ./tools/dev/setup.sh
out=${1:-build/bench}
mkdir -p "$out"
cxx=("$llvm/bin/clang++" -std=c++20 -O3 -march=native -I. -Iruntime/include)

"${cxx[@]}" -fopenmp -ffast-math -fveclib=libmvec bench/routings/openblas.cpp -lopenblas \
  -lmvec -lm -o "$out/peer-routings"
"${cxx[@]}" bench/peers/moec.cpp build/lib/libmoec_runtime.a -o "$out/peer-moec"
