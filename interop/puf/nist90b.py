#!/usr/bin/env python3
"""NIST's SP 800-90B tool, built from the fixtures outside the project, and our estimators on its own streams.

  nist90b.py FIXTURES FOLDER ESTIMATES      (ESTIMATES: the example `estimates` of crates/konfido-puf)
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

fixtures, folder, ours = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
if not (folder / "cpp" / "ea_non_iid").exists():
    shutil.copytree(fixtures / "puf" / "nist-sp800-90b", folder, dirs_exist_ok=True)
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)
    subprocess.run(["make", "-C", str(folder / "cpp"), "non_iid", "iid"], check=True, stdout=subprocess.DEVNULL)

names = {"most_common_value": "Most Common Value", "collision": "Collision", "markov": "Markov",
         "compression": "Compression", "t_tuple": "t-Tuple", "longest_repeat": "LRS"}
worst = 0.0
for stream in ["truerand_1bit.bin", "biased-random-bits.bin"]:
    path = folder / "bin" / stream
    text = subprocess.run([str(folder / "cpp" / "ea_non_iid"), "-i", "-a", "-vv", str(path), "1"],
                          capture_output=True, text=True, check=True).stdout
    found = json.loads(subprocess.run([ours, str(path)], capture_output=True, text=True, check=True).stdout)
    for key, name in names.items():
        figure = float(re.search(rf"{name} Estimate: min entropy = ([\d.e-]+)", text).group(1))
        worst = max(worst, abs(figure - found[key]))
        assert abs(figure - found[key]) < 1e-7, (stream, name, figure, found[key])
    print(f"  ok    {stream}: six estimates agree with NIST's tool")
print(f"  ok    largest difference {worst:.1e}")
