#!/usr/bin/env bash
# Installs what a build (`build`) or a test run (`test`) needs on Debian 12, and nothing that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
level="${1:-build}"

packages=(gcc g++ make cmake pkg-config)
if [ "$level" = test ]; then
  mapfile -t -O "${#packages[@]}" packages < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' scripts/packages-test.txt)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "== setup: installing ${missing[*]}"
  as_root=(); [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ "$level" = test ]; then
  bash interop/venv.sh
fi
