#!/usr/bin/env python3
"""PyPI `galois` as judge of BCH(2047, 650, t = 170): the same code words, the same corrections, up to and beyond t.

  bch.py PROGRAMME      (the example `bch` of crates/konfido-puf)
"""
import subprocess
import sys

import galois
import numpy as np

T, N = 170, 2047
rng = np.random.default_rng(20261123)


def ask(action, words):
    """Words with the coefficient of x^i at place i, through our programme."""
    lines = "\n".join(np.packbits(np.append(w, np.zeros(2048 - len(w), np.uint8)), bitorder="little").tobytes().hex() for w in words)
    out = subprocess.run([sys.argv[1], action, str(T)], input=lines + "\n", capture_output=True, text=True, check=True).stdout.split()
    return [None if line == "refused" else np.unpackbits(np.frombuffer(bytes.fromhex(line), np.uint8), bitorder="little")[:N] for line in out]


field = galois.GF(2**11, irreducible_poly=0x805)
bch = galois.BCH(N, d=2 * T + 1, extension_field=field)
assert (bch.k, bch.t) == (650, T), (bch.k, bch.t)

messages = rng.integers(0, 2, (20, bch.k), dtype=np.uint8)
ours = ask("encode", messages)
# galois writes the highest coefficient first.
theirs = np.array(bch.encode(galois.GF2(messages[:, ::-1])))[:, ::-1]
assert all((a == b).all() for a, b in zip(ours, theirs)), "code words differ"
print(f"{len(ours)} code words agree")

received, errors = [], []
for i, word in enumerate(theirs):
    count = [0, 1, 85, 169, 170, 170, 171, 172, 180, 250][i % 10]
    wrong = word.copy()
    wrong[rng.choice(N, count, replace=False)] ^= 1
    received.append(wrong.astype(np.uint8))
    errors.append(count)
ours = ask("decode", received)
decoded, corrected = bch.decode(galois.GF2(np.array(received)[:, ::-1]), output="codeword", errors=True)
decoded = np.array(decoded)[:, ::-1]
for count, word, mine, their, found in zip(errors, theirs, ours, decoded, corrected):
    if count <= T:
        assert found == count and (their == word).all(), f"galois failed at {count}"
        assert mine is not None and (mine == word).all(), f"ours failed at {count}"
    else:
        assert (found == -1) == (mine is None), f"beyond t, {count} errors: {found} and {mine is not None}"
print(f"{len(errors)} received words: the same corrections and refusals, 0 to 250 errors")
