#!/usr/bin/env python3
"""docs/benchmarks.md out of the JSON of `konfido bench` and the prose of docs/benchmarks/."""
import json
import sys
from pathlib import Path

out = Path(sys.argv[1])
print("# Benchmarks\n")
print("Written by `make bench`. Every goal is a ratio against a peer or a floor measured in the same run; absolute figures")
print("are of the machine named beside them and say little elsewhere.\n")
for name in ("exchange", "ledger", "vault", "puf"):
    figures, prose = out / f"{name}.json", Path("docs/benchmarks") / f"{name}.md"
    if not figures.exists() and not prose.exists():
        continue
    print(f"## {name}\n")
    if figures.exists():
        bench = json.loads(figures.read_text())
        machine = ", ".join(f"{k} {v}" for k, v in bench.get("machine", {}).items())
        print(f"`konfido bench {name} --json`, on {machine or 'an unnamed machine'}\n")
        print("| figure | value | goal or unit | beside |\n| --- | ---: | --- | --- |")
        for row in bench.get("ratios", []):
            print(f"| {row['name']} | {row['value']:.3g} | {row['goal']} | {row['peer']} |")
        for row in bench.get("results", []):
            print(f"| {row['name']} | {row['value']:.4g} | {row['unit']} | |")
        print()
    if prose.exists():
        text = prose.read_text().strip()
        print("\n".join(line for line in text.splitlines() if not line.startswith("# ")), "\n")
