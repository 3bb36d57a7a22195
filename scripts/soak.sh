#!/usr/bin/env bash
# What takes over a minute: the tests that ask for KONFIDO_SOAK=1 run their long form.
set -euo pipefail
cd "$(dirname "$0")/.."
KONFIDO_SOAK=1 cargo test --release --locked --workspace -- soak
