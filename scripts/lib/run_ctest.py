"""Runs ctest in one build folder and says how far it is, suite by suite.

A suite is a folder of tests (the first part of a test's name). Output of failed tests is passed on
as ctest gives it; passed tests are only counted. ctest's closing lines go to --summary as well.
Exits with 0 when all passed, 1 when one failed or when there was nothing to run.
"""

import argparse
import collections
import json
import re
import subprocess
import sys

RESULT = re.compile(r"^\s*\d+/\d+ Test\s+#\d+: (.+?) \.+(\**)\s*(\S.*?)\s+([\d.]+) sec\s*$")
CLOSING = re.compile(r"^\d+% tests passed, ")


def suite_of(test):
    return test.split(".", 1)[0]


def list_tests(build, select):
    """Number of tests a suite, from ctest's own list."""
    command = ["ctest", "--test-dir", build, "--show-only=json-v1", *select]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode != 0:
        sys.stderr.write(listing.stderr)
        return None
    names = [test["name"] for test in json.loads(listing.stdout)["tests"]]
    return collections.Counter(suite_of(name) for name in names)


class Reporter:
    """Turns ctest's lines into one line a finished suite, and keeps what is not a passed test."""

    def __init__(self, totals):
        self.totals = totals
        self.done = collections.Counter()
        self.failed = collections.Counter()
        self.seconds = collections.Counter()
        self.closing = []

    def feed(self, line):
        if self.closing or CLOSING.match(line):
            self.closing.append(line)
            return
        result = RESULT.match(line)
        if result:
            self.count(result, line)
        elif not line.lstrip().startswith("Start ") and not line.startswith("Internal ctest"):
            if line.strip():
                print(line, end="", flush=True)

    def count(self, result, line):
        suite = suite_of(result.group(1))
        self.done[suite] += 1
        self.seconds[suite] += float(result.group(4))
        if result.group(3) != "Passed":
            self.failed[suite] += 1
            print(line, end="")
        if self.done[suite] == self.totals[suite]:
            verdict = f"{self.failed[suite]} FAILED" if self.failed[suite] else "all passed"
            print(
                f"  {suite:<14} {self.done[suite]:>5} tests, {verdict}, {self.seconds[suite]:.1f} s",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--filter", default="")
    parser.add_argument("--summary", required=True)
    options = parser.parse_args()

    select = ["--tests-regex", options.filter] if options.filter else []
    totals = list_tests(options.build, select)
    if not totals:
        reason = f"no test matches {options.filter}" if options.filter else "there are no tests"
        print(f"zerotail: tests: {reason}", file=sys.stderr)
        return 1

    command = ["ctest", "--test-dir", options.build, "--parallel", options.jobs]
    command += ["--output-on-failure", "--no-tests=error", *select]
    reporter = Reporter(totals)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout:
            reporter.feed(line)
    with open(options.summary, "w", encoding="utf-8") as summary:
        summary.writelines(reporter.closing)
    return 0 if process.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
