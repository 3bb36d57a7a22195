#!/usr/bin/env bash
# Other people's software on the token's code: PyPI galois as the oracle for code words and corrections, bchlib beside our
# decoder. The batteries that take minutes (NIST's SP 800-90B tool, dieharder, rngtest, ent) are in soak.sh, for `make soak`.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${KONFIDO_PYTHON:-python3}"
export KONFIDO_BIN="${KONFIDO_BIN:-${CARGO_TARGET_DIR:-$PWD/target}/release/konfido}"
examples="${CARGO_TARGET_DIR:-$PWD/target}/release/examples"
cargo build --quiet --release --locked -p konfido-puf --examples
"$python" interop/puf/bch.py "$examples/bch"
"$python" interop/puf/bchlib_bench.py "$KONFIDO_BIN"
