#!/usr/bin/env bash
# Makes build/venv-embed with the packages that the tests of integrations need;
# without it those tests are told as unsupported.
set -euo pipefail
cd "$(dirname "$0")/.."
. ./tools/dev/setup.sh
make_venv build/venv-embed numpy
build/venv-embed/bin/pip install -q --disable-pip-version-check apache-tvm-ffi jax
