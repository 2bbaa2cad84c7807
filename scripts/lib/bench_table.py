"""Prints Google Benchmark's JSON result as tables; exits with 1 when a benchmark failed."""

import json
import re
import sys

PRACTICE = "practice/sparse_copy"
JUDGING = re.compile(r"(explore_|practice/)")
GIB = float(1 << 30)
# What a counter of ours says, and how it is printed.
COUNTERS = {
    "memcpy_bytes_per_second": ("memcpy", lambda v: f"{v / GIB:.2f} GiB/s"),
    "of_memcpy": ("of memcpy's rate", lambda v: f"{v:.2f}"),
    "create_per_second": ("create/s", lambda v: f"{v:,.0f}"),
    "unlink_per_second": ("unlink/s", lambda v: f"{v:,.0f}"),
    "runs": ("runs of clusters", lambda v: f"{v:,.0f}"),
    "allocated_mib": ("allocated MiB", lambda v: f"{v:.2f}"),
    "disk_mib": ("of that the disk's MiB", lambda v: f"{v:.2f}"),
}


def short(name):
    return re.sub(r"/(real_time|manual_time|(min_time|iterations):[0-9.]+)", "", name)


def judging_row(run, practice):
    text = f"{run['items_per_second']:>12,.0f}"
    text += f"{run['items_per_second'] / practice:>14,.1f} x" if practice else " " * 16
    for counter in ("merged_per_second", "pruned_per_second"):
        text += f"{run[counter]:>12,.0f}" if counter in run else f"{'':>12}"
    return text


def rate(run):
    if "bytes_per_second" in run:
        return f"{run['bytes_per_second'] / GIB:.2f} GiB/s"
    if "items_per_second" in run:
        return f"{run['items_per_second']:,.0f}/s"
    return ""


def core_row(run):
    time = f"{run['real_time']:.4g} {run['time_unit']}"
    beside = [
        f"{label} {text(run[name])}" for name, (label, text) in COUNTERS.items() if name in run
    ]
    return f"{time:>14}{rate(run):>16}  {', '.join(beside)}"


def main(path):
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    runs = [(short(run["name"]), run) for run in result["benchmarks"]]
    practice = dict(runs).get(PRACTICE, {}).get("items_per_second")
    host = result["context"]
    print(f"{host['num_cpus']} processors at {host['mhz_per_cpu']} MHz; one is used at a time")
    status = 0
    heading = None
    for name, run in runs:
        if run.get("error_occurred"):
            status = 1
            print(f"{name:<40}FAILED: {run['error_message']}")
            continue
        if JUDGING.match(name):
            head = f"{'judging':<40}{'states/s':>12}{'of practice':>16}"
            head += f"{'merged/s':>12}{'pruned/s':>12}"
            row = judging_row(run, practice)
        else:
            head = f"{'benchmark':<40}{'time':>14}{'rate':>16}  beside"
            row = core_row(run)
        if head != heading:
            print(head)
        heading = head
        print(f"{name:<40}{row}".rstrip())
    if practice:
        print(f"practice: {PRACTICE}, each state one copy, its writes, one fsck.exfat -n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
