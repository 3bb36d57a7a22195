#!/usr/bin/env bash
# cargo-deny: licences, bans and sources always; advisories wherever the advisory database can be had.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
cargo deny --log-level error check licenses bans sources
if cargo deny --log-level error fetch db >/dev/null 2>&1; then
  cargo deny --log-level error check advisories
else
  echo "cargo-deny: ADVISORIES NOT CHECKED: the advisory database is not present here and cannot be fetched"
fi
