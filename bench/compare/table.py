# SPDX-License-Identifier: Apache-2.0
"""table.py DIRECTORY: each file of microseconds as a row. Ratios are to our "kernel event", or else to the first row."""
import os
import sys

rows = []
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        values = sorted(float(line) for line in file)
    if values:
        rows.append((name[3:], len(values), *(values[int(part * (len(values) - 1))] for part in (0.5, 0.99))))
if not rows:
    sys.exit("nothing was measured")
base = max(rows[0][2], 1.0)
print(f"{'milliseconds from listen() to ready':40} {'starts':>6} {'p50':>9} {'p99':>9} {'p50, times ours':>16}")
for name, count, median, high in rows:
    ratio = f"{median / base:16.1f}" if median > 0 else f"{'before listen()':>16}"
    print(f"{name:40} {count:6} {median / 1e3:9.3f} {high / 1e3:9.3f} {ratio}")
