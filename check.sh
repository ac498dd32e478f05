#!/usr/bin/env bash
# Installs what is missing (Debian packages, numpy in build/venv), builds, runs
# the linters and all tests. The last line is the test runner's count. Usage:
# ./check.sh
set -euo pipefail
cd "$(dirname "$0")"
. ./tools/dev/setup.sh

install_packages "${build_packages[@]}" "${test_packages[@]}"
make_venv build/venv numpy

python3 tools/dev/check_layers.py
python3 tools/dev/lint.py

cmake --preset release -DMOEC_TESTS=ON
ninja -C build moec-test-programs
python3 tools/dev/gen_docs.py --check

results=build/test/results.json
rm -f "$results"
status=0
"$llvm/bin/lit" -sv --output "$results" build/test build/unittests || status=$?
python3 tools/dev/closing_line.py "$results" || status=1
exit "$status"
