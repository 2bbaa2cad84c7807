"""The tour of README.md runs as it stands, with the exit codes that its text promises.

Argument: the built command. Every line of the tour's code blocks is run in a fresh folder.
"""

import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = ""

# Exit codes other than 0, by what a command begins with.
EXPECTED = [
    ("scripts/zerotail repro ", 1),
    ("scripts/zerotail check out/crash.img", 4),
    ("fsck.exfat -n out/crash.img", 4),
    ("scripts/zerotail explore --workload append-fsync --device lying-flush", 1),
    ("scripts/zerotail explore out/hello.trace", 1),
    ("scripts/zerotail explore --log out/append.log", 1),
]


def readme():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return file.read()


def tour_commands(text):
    """The commands of the tour, in order; a here-document belongs to its first line."""
    tour = text.split("## A tour", 1)[1].split("\n## ", 1)[0]
    for block in re.findall(r"^```\n(.*?)^```$", tour, re.S | re.M):
        lines = block.splitlines()
        while lines:
            command = lines.pop(0)
            end = re.search(r"<<'(\w+)'", command)
            while end and lines:
                command += "\n" + lines[0]
                if lines.pop(0) == end.group(1):
                    break
            yield command


def expected_code(command):
    return next((code for begin, code in EXPECTED if command.startswith(begin)), 0)


class Tour(unittest.TestCase):
    def test_every_command_ends_as_promised(self):
        environment = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        with tempfile.TemporaryDirectory(prefix="zerotail-tour-") as folder:
            os.makedirs(os.path.join(folder, "out"))
            os.makedirs(os.path.join(folder, "scripts"))
            os.symlink(COMMAND, os.path.join(folder, "scripts", "zerotail"))
            reports = ""
            for command in tour_commands(readme()):
                done = subprocess.run(
                    ["bash", "-c", command],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                )
                said = f"{command}\n{done.stdout}{done.stderr}"
                self.assertEqual(done.returncode, expected_code(command), said)
            for number in os.listdir(os.path.join(folder, "out", "explore")):
                with open(os.path.join(folder, "out", "explore", number, "report.txt")) as file:
                    reports += file.read()
        self.check_sample(reports)

    def check_sample(self, reports):
        """The finding that README explains is one that the tour finds."""
        section = readme().split("## How to read a finding", 1)[1]
        sample = re.search(r"^```\n(.*?)^```$", section, re.S | re.M).group(1)
        self.assertIn(sample, reports)

    def test_the_tour_has_commands(self):
        self.assertGreater(len(list(tour_commands(readme()))), 10)


if __name__ == "__main__":
    COMMAND = os.path.abspath(sys.argv.pop())
    unittest.main()
