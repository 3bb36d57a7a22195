#!/usr/bin/env bash
# The Python judges, in an environment of their own under target/, remade when the list of them changes.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=target/interop/venv
stamp="$venv/.requirements"
if ! cmp -s interop/requirements.txt "$stamp"; then
  echo "== setup: Python judges"
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r interop/requirements.txt
  cp interop/requirements.txt "$stamp"
fi
