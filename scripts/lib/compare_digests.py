"""Compares the JSON results of one exploration from several builds (see compare-digests).

Arguments are the results' paths without ".json"; the last part of each names its build.
Exits with 0 when they say the same, 1 when not, 2 when one is no result.
"""

import json
import os
import sys

COUNTS = [
    "states_log2",
    "states_considered",
    "states_checked",
    "states_merged",
    "states_pruned",
    "states_left_out",
]


def differences(reference, other):
    """What `other` says differently: lines of text."""
    lines = []
    for key in ["seed", "digest", *COUNTS]:
        if reference[key] != other[key]:
            lines.append(f"{key}: {reference[key]} and {other[key]}")
    prints = [[finding["fingerprint"] for finding in run["findings"]] for run in (reference, other)]
    if prints[0] != prints[1]:
        only = [sorted(set(prints[i]) - set(prints[1 - i])) for i in (0, 1)]
        lines.append(f"findings: {len(prints[0])} and {len(prints[1])}; only in one: {only}")
    return lines


def main(paths):
    runs = []
    for path in paths:
        name = os.path.basename(path)
        try:
            with open(path + ".json", encoding="utf-8") as file:
                run = json.load(file)
            differences(run, run)
        except (OSError, ValueError, KeyError, TypeError) as error:
            print(f"zerotail: {name}: no result of explore: {error!r}", file=sys.stderr)
            return 2
        runs.append((name, run))
    reference_name, reference = runs[0]
    status = 0
    for name, run in runs:
        lines = differences(reference, run)
        checked = run["states_checked"]
        print(f"  {name:<8} {run['digest']}  {checked} states checked, {len(run['findings'])} findings")
        for line in lines:
            status = 1
            print(f"zerotail: {name}: differs from {reference_name}: {line}", file=sys.stderr)
    print("  all digests are alike" if status == 0 else "  the digests DIFFER")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
