#!/usr/bin/env python3
"""What the documents name must exist: links, make targets, subcommands; and the table of features must be whole.

Subcommands are asked of the binary (KONFIDO_BIN, or the release build); without one that part is said to be skipped.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = {"3": 9, "4": 8, "5": 7, "6": 7}
STATES = {"works", "partly", "not yet"}
wrong = []
pages = [p for p in ROOT.rglob("*.md") if not {"target", "node_modules", ".git", "book"} & set(p.relative_to(ROOT).parts)]

for page in pages:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
        if "://" not in link and not link.startswith("mailto:") and not (page.parent / link).exists():
            wrong.append(f"{page.relative_to(ROOT)}: link to `{link}`, which is not there")

targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
commands = set()
for page in pages:
    text = page.read_text(encoding="utf-8")
    for code in re.findall(r"`([^`\n]+)`", text) + re.findall(r"```(?:sh|console|bash)\n(.*?)```", text, flags=re.S):
        for line in code.splitlines():
            line = line.strip().removeprefix("$ ")
            if match := re.match(r"make ([a-z-]+)\b", line):
                if match[1] not in targets:
                    wrong.append(f"{page.relative_to(ROOT)}: `make {match[1]}` is no target")
            if match := re.match(r"konfido((?: [a-z][a-z0-9-]*)+)", line):
                commands.add((str(page.relative_to(ROOT)), match[1].strip()))

features = (ROOT / "docs/features.md").read_text(encoding="utf-8")
rows = re.findall(r"^\| (\d) \| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", features, flags=re.M)
seen = {}
for issue, part, state, shown in rows:
    seen.setdefault((issue, int(part)), state.strip())
    if state.strip() not in STATES:
        wrong.append(f"docs/features.md: issue {issue} part {part}: `{state.strip()}` is no state")
for issue, count in PARTS.items():
    for part in range(1, count + 1):
        if (issue, part) not in seen:
            wrong.append(f"docs/features.md: issue {issue} part {part} has no row")

binary = Path(os.environ.get("KONFIDO_BIN", Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/konfido"))
if binary.exists():
    for page, command in sorted(commands):
        words = command.split()
        # A word may be an argument: the longest beginning that is a subcommand must exist, and be at least one word.
        asked = subprocess.run([binary, words[0], "--help"], capture_output=True, check=False)
        if asked.returncode != 0:
            wrong.append(f"{page}: `konfido {words[0]}` is no subcommand")
else:
    print("documents: SUBCOMMANDS NOT CHECKED: no release build of konfido here")

for line in wrong:
    print("documents:", line)
print(f"documents: {len(pages)} pages, {len(commands)} commands, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
