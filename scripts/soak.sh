#!/usr/bin/env bash
# What takes over a minute: the batteries on the random streams. More follows as it is written.
set -euo pipefail
cd "$(dirname "$0")/.."
export KONFIDO_BIN="$1"
bash interop/puf/soak.sh
