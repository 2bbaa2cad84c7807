"""Prints Google Benchmark's JSON result as a table; exits with 1 when a benchmark failed."""

import json
import sys

PRACTICE = "practice/sparse_copy"


def short(name):
    return name.replace("/real_time", "").split("/min_time:")[0]


def row(run, practice):
    rate = run.get("items_per_second")
    if rate is None:
        return f"{run['real_time']:>12.4g} {run['time_unit']}"
    text = f"{rate:>12,.0f}"
    text += f"{rate / practice:>14,.1f} x" if practice else " " * 16
    for counter in ("merged_per_second", "pruned_per_second"):
        text += f"{run[counter]:>12,.0f}" if counter in run else f"{'':>12}"
    return text


def main(path):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    runs = [(short(run["name"]), run) for run in result["benchmarks"]]
    practice = dict(runs).get(PRACTICE, {}).get("items_per_second")
    host = result["context"]
    print(f"{host['num_cpus']} processors at {host['mhz_per_cpu']} MHz; one is used at a time")
    print(f"{'benchmark':<28}{'states/s':>12}{'of practice':>16}{'merged/s':>12}{'pruned/s':>12}")
    status = 0
    for name, run in runs:
        if run.get("error_occurred"):
            status = 1
            print(f"{name:<28}FAILED: {run['error_message']}")
        else:
            print(f"{name:<28}{row(run, practice)}".rstrip())
    if practice:
        print(f"practice: {PRACTICE}, each state one copy, its writes, one fsck.exfat -n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
