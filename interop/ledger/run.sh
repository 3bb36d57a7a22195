#!/usr/bin/env bash
# Strangers judge the ledger's receipts: scitt-cose (PyPI) the COSE ones, Go's sumdb/tlog the text ones and the tiles.
# Each judge also gets altered copies and must refuse them. The receipts are written by a test of konfido-ledger.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
KONFIDO_LEDGER_SAMPLES="$work" cargo test --quiet --release --locked -p konfido-ledger --test it samples >/dev/null
"${KONFIDO_PYTHON:?}" "$here/cose.py" "$work/receipt.cose" "$work/ledger.toml"
(cd "$here/tlog" && GOFLAGS=-mod=mod go run . "$work/receipt.tlog" "$work/ledger.toml" "$work/tiles")
