"""Prints the coverage that llvm-cov exported, a line a folder of core/ and a line a file of the first."""

import json
import os
import sys

COLUMNS = ("functions", "lines", "regions", "branches")


def row(name, summary):
    parts = [f"{summary[c]['percent']:5.1f} % of {summary[c]['count']}" for c in COLUMNS]
    return f"| {name} | " + " | ".join(parts) + " |"


def main(folder, parts):
    print("| | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---|" * len(COLUMNS))
    for index, part in enumerate(parts):
        with open(os.path.join(folder, f"coverage-{part}.json"), encoding="utf-8") as file:
            data = json.load(file)["data"][0]
        if index == 0:
            for one in data["files"]:
                print(row(os.path.basename(one["filename"]), one["summary"]))
        print(row(f"core/{part}", data["totals"]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
