#!/usr/bin/env bash
# Runs every benchmark that the binary has and writes docs/benchmarks.md: each figure with its command, and beside it what
# docs/benchmarks/NAME.md has to say of it.
set -euo pipefail
cd "$(dirname "$0")/.."
binary="$1"
out=target/bench
mkdir -p "$out"
for name in exchange ledger vault puf; do
  if "$binary" bench "$name" --help >/dev/null 2>&1; then
    echo "== bench: $name"
    "$binary" bench "$name" --json >"$out/$name.json"
  fi
done
python3 scripts/benchmarks.py "$out" >docs/benchmarks.md
echo "docs/benchmarks.md is written"
