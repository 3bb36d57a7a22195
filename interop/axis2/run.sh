#!/usr/bin/env bash
# Axis2 1.8 and OpenSAML, the stack of OpenNCP, as an NCP-B against our NCP-A.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mvn --quiet --batch-mode -f "$here/pom.xml" -DskipTests package
source "$here/../demo.sh"
build="$here/../../target/interop/axis2"
java -cp "$build/classes:$build/lib/*" interop.Main "${ncp_b[@]}"
