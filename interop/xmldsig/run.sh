#!/usr/bin/env bash
# XML signatures and encryption: libxmlsec1 (PyPI xmlsec and Debian's xmlsec1), signxml and the JDK verify what
# konfido signs, and konfido verifies what they sign; each also refuses what was changed afterwards. With the
# fixtures, the verdicts on old signed files are compared with xmlsec1's.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in openssl java xmlsec1; do
  command -v "$tool" >/dev/null || { echo "xmldsig: $tool is missing (scripts/setup.sh test)"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec "${KONFIDO_PYTHON:-python3}" "$here/judge.py" "${KONFIDO_BIN:?the konfido binary}" "$work"
