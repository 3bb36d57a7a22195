#!/usr/bin/env bash
# The batteries on the token's estimators and streams: NIST's SP 800-90B tool, dieharder, rngtest and ent. Nothing is skipped:
# what is missing fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${KONFIDO_PYTHON:-python3}"
export KONFIDO_BIN="${KONFIDO_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/release/konfido}"
examples="${CARGO_TARGET_DIR:-$PWD/target}/release/examples"
work="${CARGO_TARGET_DIR:-$PWD/target}/interop/puf"
mkdir -p "$work"
for judge in dieharder rngtest ent g++ make; do
  command -v "$judge" >/dev/null || { echo "missing judge: $judge"; exit 1; }
done
: "${KONFIDO_FIXTURES:?the fixtures hold the source of NIST\'s tool}"
cargo build --quiet --release --locked -p konfido-puf --examples
"$python" interop/puf/nist90b.py "$KONFIDO_FIXTURES" "$work/nist" "$examples/estimates"
bash interop/puf/streams.sh "$work" "$work/nist"
