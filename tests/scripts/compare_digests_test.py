"""The digest comparison sees every difference that it is there for."""

import contextlib
import copy
import io
import json
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

import compare_digests  # noqa: E402

RUN = {
    "seed": 1,
    "digest": "00ff",
    "states_log2": 12.5,
    "states_considered": 10,
    "states_checked": 4,
    "states_merged": 3,
    "states_pruned": 2,
    "states_left_out": 1,
    "findings": [{"fingerprint": "aa"}],
}


def compare(*runs):
    """Exit code and error text for some runs; a string is written as it is."""
    with tempfile.TemporaryDirectory(prefix="zerotail-digests-") as folder:
        paths = []
        for number, run in enumerate(runs):
            paths.append(os.path.join(folder, f"build{number}"))
            with open(paths[-1] + ".json", "w", encoding="utf-8") as file:
                file.write(run if isinstance(run, str) else json.dumps(run))
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            return compare_digests.main(paths), errors.getvalue()


class CompareDigests(unittest.TestCase):
    def test_alike_is_fine(self):
        self.assertEqual(compare(RUN, RUN, RUN), (0, ""))

    def test_every_number_counts(self):
        for key in ["digest", *compare_digests.COUNTS]:
            other = dict(RUN, **{key: "other"})
            status, errors = compare(RUN, other)
            self.assertEqual(status, 1, key)
            self.assertIn(f"build1: differs from build0: {key}", errors)

    def test_findings_count(self):
        other = copy.deepcopy(RUN)
        other["findings"][0]["fingerprint"] = "bb"
        self.assertEqual(compare(RUN, other)[0], 1)

    def test_what_is_no_result_is_an_error(self):
        self.assertEqual(compare(RUN, "{}")[0], 2)
        self.assertEqual(compare(RUN, "no json")[0], 2)


if __name__ == "__main__":
    unittest.main()
