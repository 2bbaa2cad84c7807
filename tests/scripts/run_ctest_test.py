"""The test runner counts what ctest says, and hides nothing that failed."""

import contextlib
import io
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import run_ctest  # noqa: E402

PASSED = " 1/3 Test  #2: sim.Disk.Reads ......................   Passed    0.25 sec\n"
FAILED = " 2/3 Test  #1: sim.Disk.Writes .....................***Failed    0.50 sec\n"
TIMEOUT = " 2/3 Test  #1: sim.Disk.Writes .....................***Timeout  9.00 sec\n"
OTHER = " 3/3 Test  #3: core/mm.Folio.Dirty ................   Passed    0.00 sec\n"
CLOSING = "67% tests passed, 1 tests failed out of 3\n"


def report(lines, totals):
    reporter = run_ctest.Reporter(totals)
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        for line in lines:
            reporter.feed(line)
    return reporter, text.getvalue()


class Reporter(unittest.TestCase):
    def test_a_finished_suite_is_one_line(self):
        _, text = report(["      Start  3: core/mm.Folio.Dirty\n", OTHER], {"core/mm": 1})
        self.assertEqual(text.split(), "core/mm 1 tests, all passed, 0.0 s".split())

    def test_a_failed_test_is_shown_and_counted(self):
        for line in (FAILED, TIMEOUT):
            _, text = report([PASSED, line], {"sim": 2})
            self.assertIn("sim.Disk.Writes", text)
            self.assertIn("1 FAILED", text)

    def test_output_of_tests_is_passed_on(self):
        _, text = report(["expected 1, got 2\n"], {"sim": 2})
        self.assertEqual(text, "expected 1, got 2\n")

    def test_closing_lines_are_kept_for_the_end(self):
        reporter, text = report([CLOSING, "\n", "Total Test time (real) =   1 sec\n"], {})
        self.assertEqual(reporter.closing[0], CLOSING)
        self.assertEqual(len(reporter.closing), 3)
        self.assertEqual(text, "")


if __name__ == "__main__":
    unittest.main()
