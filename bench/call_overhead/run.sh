#!/bin/sh
# run.sh [CALLS]: builds call_overhead with the compiler and runtime of build/ and
# runs it.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${MOEC_BUILD:-$root/build}
out=${MOEC_OUT:-$build/bench/call_overhead}
mkdir -p "$out"
"$build/bin/moec" "$root/bench/call_overhead/empty.mlir" -o "$out/empty.moe"
"$build/bin/moec" "$root/bench/call_overhead/empty.mlir" -o "$out/empty.o" --emit=object
"${CC:-clang-22}" -O2 -Wall -Wextra -Werror -I "$root/runtime/include" -I "$out" \
  "$root/bench/call_overhead/call_overhead.c" "$out/empty.o" \
  -L "$build/lib" -lmoec -Wl,-rpath,"$build/lib" -o "$out/call_overhead"
exec "$out/call_overhead" "$out/empty.moe" "$@"
