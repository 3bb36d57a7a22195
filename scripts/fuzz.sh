#!/usr/bin/env bash
# Every fuzz target for SECONDS_EACH seconds (60 unless told) on the pinned stable compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
export RUSTC_BOOTSTRAP=1
passed=0 failed=0
for target in $(cargo fuzz list); do
  echo "== fuzz: $target, ${SECONDS_EACH:-60} s"
  if cargo fuzz run --release "$target" -- -max_total_time="${SECONDS_EACH:-60}" -timeout=10 -rss_limit_mb=2048 \
      -print_final_stats=1 2>&1 | tail -n 12; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
