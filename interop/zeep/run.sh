#!/usr/bin/env bash
# zeep, from OpenNCP's WSDL alone, as an NCP-B against our NCP-A.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${KONFIDO_FIXTURES:-}" ]; then
  echo "zeep: SKIPPED, KONFIDO_FIXTURES does not name the folder with OpenNCP's WSDL"
  [ "${KONFIDO_REQUIRE_FIXTURES:-}" != 1 ]
  exit
fi
source "$here/../demo.sh"
"$KONFIDO_PYTHON" "$here/client.py" --wsdl "$KONFIDO_FIXTURES/openncp/wsdl" "${ncp_b[@]}"
