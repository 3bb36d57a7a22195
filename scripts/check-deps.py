#!/usr/bin/env python3
"""The direction of dependencies: an arrow may only point to a lower floor.

Floors are those of ARCHITECTURE.md. konfido-keys lies below all others and uses none of them.
Exits 1 and names each arrow that points sideways or up.
"""
import json
import subprocess
import sys

FLOORS = {
    "konfido": 4,
    "konfido-gateway": 3,
    "konfido-ledger": 2, "konfido-vault": 2, "konfido-puf": 2, "konfido-audit": 2,
    "konfido-ledger-engine": 1, "konfido-vault-sys": 1, "konfido-ihe": 1, "konfido-cda": 1, "konfido-saml": 1,
    "konfido-xml": 0, "konfido-circle": 0,
    "konfido-keys": -1,
}
BANNED_NAMES = {"common", "util", "utils", "helper", "helpers", "manager", "misc"}

metadata = json.loads(subprocess.run(
    ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"],
    check=True, capture_output=True, text=True).stdout)
wrong = []
for package in metadata["packages"]:
    name = package["name"]
    if name not in FLOORS:
        wrong.append(f"{name}: has no floor; add it to scripts/check-deps.py and ARCHITECTURE.md")
        continue
    if BANNED_NAMES & set(name.split("-")):
        wrong.append(f"{name}: a crate is named after what it is for")
    for dependency in package["dependencies"]:
        target = dependency["name"]
        if target.startswith("konfido") and dependency["kind"] != "dev" and target != name:
            if FLOORS.get(target, 99) >= FLOORS[name]:
                wrong.append(f"{name} (floor {FLOORS[name]}) -> {target} (floor {FLOORS.get(target)})")
for line in wrong:
    print("dependency direction:", line)
print(f"dependency direction: {len(metadata['packages'])} crates, {len(wrong)} wrong arrows")
sys.exit(1 if wrong else 0)
