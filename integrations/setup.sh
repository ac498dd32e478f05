#!/usr/bin/env bash
# Installs what the tests of all integrations need.
set -euo pipefail
cd "$(dirname "$0")"
./setup_embed.sh
./setup_engines.sh
./setup_pytorch.sh
