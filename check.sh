#!/usr/bin/env bash
# Installs what is missing (Debian packages, numpy in build/venv), builds, runs
# the linters and all tests. Usage: ./check.sh
set -euo pipefail
cd "$(dirname "$0")"
. ./tools/dev/setup.sh

install_packages "${build_packages[@]}" "${test_packages[@]}"
make_venv build/venv numpy

python3 tools/dev/check_layers.py
python3 tools/dev/lint.py

cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release
ninja -C build moec-test-programs
ninja -C build check-moec
