#!/usr/bin/env bash
# Runs every judge: each folder of interop/ with a run.sh is one. Ends with the count, and fails if one failed.
set -uo pipefail
cd "$(dirname "$0")/.."
export KONFIDO_PYTHON="${KONFIDO_PYTHON:-$PWD/target/interop/venv/bin/python}"
export KONFIDO_BIN="${KONFIDO_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/release/konfido}"
passed=0 failed=0
for script in interop/*/run.sh; do
  [ -e "$script" ] || continue
  name=$(basename "$(dirname "$script")")
  echo "== interop: $name"
  if bash "$script"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "interop: $name FAILED"; fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
