#!/usr/bin/env bash
# Gets Triton, whose compiler bench/cuda/triton_loop.py counts; no GPU is needed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. ./tools/dev/setup.sh
make_venv build/bench/venv numpy matplotlib # as bench/peers/setup.sh does
build/bench/venv/bin/python3 -m pip install -q --disable-pip-version-check triton
