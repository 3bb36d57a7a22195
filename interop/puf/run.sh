#!/usr/bin/env bash
# Other people's software on the token's code, estimators and streams: PyPI galois and bchlib, NIST's SP 800-90B tool,
# Debian's dieharder, rngtest and ent. Nothing is skipped: what is missing fails.
# Debian packages: dieharder rng-tools5 ent g++ make libbz2-dev libdivsufsort-dev libjsoncpp-dev libssl-dev
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
: "${KONFIDO_FIXTURES:?the fixtures hold NIST\'s tool}"
cargo build --quiet --release -p konfido-puf --examples
"$python" interop/puf/bch.py "$examples/bch"
"$python" interop/puf/nist90b.py "$KONFIDO_FIXTURES" "$work/nist" "$examples/estimates"
"$python" interop/puf/bchlib_bench.py "$KONFIDO_BIN"
bash interop/puf/streams.sh "$work" "$work/nist"
