#!/usr/bin/env bash
# From nothing to numbers: installs what is missing, builds the compiler and the
# runtime, compiles the sample checkpoint to machine code, runs it and compares
# it with its golden output. Usage: ./demo.sh
set -euo pipefail
cd "$(dirname "$0")"
. ./tools/dev/setup.sh

checkpoint=examples/checkpoints/tiny-qwen2-moe
golden=$checkpoint/golden.safetensors
artifact=build/demo/tiny-qwen2-moe.moe

install_packages "${build_packages[@]}"
echo "building moec, moe-run and moe-bench in build/"
cmake --preset release -DMOEC_TESTS=OFF >/dev/null
ninja -C build moec-compiler moe-run moe-bench

mkdir -p build/demo
build/bin/moec "$checkpoint" -o "$artifact" --scope=moe
for layer in 0 1; do
  build/bin/moe-run "$artifact" --function="layers.$layer.moe" \
    --input="hidden_states=$golden:layers.$layer.moe_in" \
    --output="build/demo/layer$layer.safetensors"
done

echo
python3 tools/dev/largest_error.py "$golden" build/demo/layer?.safetensors
build/bin/moe-bench "$artifact" --function=layers.0.moe --tokens=1,512 \
  --format=csv | awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { printf "tokens per second, %s at a time: %.0f\n", $column["tokens"], $column["tokens_per_second"] }'
echo "artifact:  $PWD/$artifact"
echo "outputs:   $PWD/build/demo/layer0.safetensors, layer1.safetensors"
echo "programs:  $PWD/build/bin"
