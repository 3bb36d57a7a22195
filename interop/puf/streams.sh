#!/usr/bin/env bash
# Debian's dieharder, rngtest and ent, and NIST's SP 800-90B tool, on our streams. None is skipped: a missing judge fails.
set -uo pipefail
konfido="${KONFIDO_BIN:?}"
work="${1:?working folder}"
nist="${2:?folder of NIST's tool, built}"
failed=0
verdict() { if [ "$1" = 0 ]; then echo "  ok    $2"; else echo "  WRONG $2"; failed=1; fi; }

"$konfido" entropy stream --bytes 50000000 --quiet >"$work/stream.bin"
[ "$(stat -c %s "$work/stream.bin")" = 50000000 ]; verdict $? "stream of exactly 50,000,000 bytes"
"$konfido" entropy stream --bytes 5000000 --device sim:judges --quiet >"$work/token.bin"
[ "$(stat -c %s "$work/token.bin")" = 5000000 ]; verdict $? "stream seeded by a simulated token"

for file in stream token; do
  # FIPS 140-2 on blocks of 20,000 bits: a perfect source fails 8 blocks in 10,000.
  blocks=$(rngtest <"$work/$file.bin" 2>&1 | tee "$work/$file.rngtest" | sed -n 's/.*FIPS 140-2 failures: //p')
  total=$(sed -n 's/.*FIPS 140-2 successes: //p' "$work/$file.rngtest")
  [ "$blocks" -le $(((total + blocks) / 500 + 5)) ]; verdict $? "rngtest, $file: $blocks of $((total + blocks)) blocks fail"
  entropy=$(ent "$work/$file.bin" | sed -n 's/^Entropy = \([0-9.]*\).*/\1/p')
  awk "BEGIN{exit !($entropy > 7.9999)}"; verdict $? "ent, $file: $entropy bits a byte"
done

# Tests that our file is long enough for; -k 2: exact Kolmogorov-Smirnov. A p-value below 1e-6 is FAILED to dieharder.
: >"$work/dieharder.txt"
for test in 0 2 8 10 15 100 101; do
  # More than the file holds: the generator itself is asked, through the pipe (-g 200).
  "$konfido" entropy stream --quiet | dieharder -g 200 -d "$test" -k 2 >>"$work/dieharder.txt" 2>/dev/null
done
grep -cE 'PASSED|WEAK' "$work/dieharder.txt" >/dev/null && ! grep -q FAILED "$work/dieharder.txt"
verdict $? "dieharder: $(grep -c PASSED "$work/dieharder.txt") passed, $(grep -c WEAK "$work/dieharder.txt") weak, $(grep -c FAILED "$work/dieharder.txt") failed"

# SP 800-90B wants one symbol a byte.
"$konfido" entropy stream --device sim:judges --raw-noise --bytes 1000000 --quiet >"$work/noise.bits"
python3 -c "
d = open('$work/stream.bin', 'rb').read(125000)
open('$work/stream.bits', 'wb').write(bytes(b >> i & 1 for b in d for i in range(8)))"
for file in noise stream; do
  "$nist/cpp/ea_non_iid" -i -a "$work/$file.bits" 1 >"$work/$file.non_iid" 2>&1
  h=$(sed -n 's/.*H_original: //p' "$work/$file.non_iid")
  awk "BEGIN{exit !(${h:-0} > 0.8)}"; verdict $? "NIST 90B non-IID, $file: ${h:-none} bits a bit"
done
"$nist/cpp/ea_iid" -i -a "$work/noise.bits" 1 >"$work/noise.iid" 2>&1
! grep -qi "fail" "$work/noise.iid"; verdict $? "NIST 90B IID tests on the noise"
exit "$failed"
