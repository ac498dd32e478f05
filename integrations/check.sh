#!/usr/bin/env bash
# Installs what the tests of all integrations need (PyTorch: 5 GB), builds, and runs
# these tests alone. The last line is the test runner's count. Usage:
# integrations/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. ./tools/dev/setup.sh

install_packages "${build_packages[@]}" "${test_packages[@]}" dpkg-dev
make_venv build/venv numpy
./integrations/setup.sh

cmake --preset release -DMOEC_TESTS=ON
ninja -C build moec-test-programs

tests=build/test
results=$tests/integrations.json
rm -f "$results"
status=0
"$llvm/bin/lit" -sv --output "$results" "$tests"/{integrations,cmake,codegen/object} \
  "$tests"/e2e/embed{,-cpp}.test "$tests"/tools/moec/{abi,emit-object}.test \
  "$tests"/bench/embed{,-transformers}.test || status=$?
python3 tools/dev/closing_line.py "$results" || status=1
exit "$status"
