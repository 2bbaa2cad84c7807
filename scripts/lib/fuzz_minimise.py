"""Drops the lines of a recipe that its finding does not need: fuzz_minimise.py REPLAY FILE."""

import re
import subprocess
import sys
import tempfile

TIMEOUT = 60  # seconds a run may take before it counts as the finding "hang"


def finding(replay, text):
    """What goes wrong, without numbers, so that another finding is not taken for this one."""
    with tempfile.NamedTemporaryFile("w", suffix=".recipe", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            run = subprocess.run(
                [replay, file.name], capture_output=True, check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return "hang"
    output = (run.stdout + run.stderr).decode(errors="replace")
    if run.returncode in (0, 2):
        return None
    wanted = re.compile(r"assertion failed|runtime error|ERROR: |finding|" + re.escape(file.name))
    for line in output.splitlines():
        if wanted.search(line):
            return re.sub(r"0x[0-9a-f]+|[0-9]+", "N", line.replace(file.name, "FILE"))
    return f"exit {run.returncode}"


def main(replay, path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines(keepends=True)
    wanted = finding(replay, "".join(lines))
    if wanted is None:
        sys.exit(f"zerotail: {path}: nothing is found")
    changed = True
    while changed:
        changed = False
        for index in reversed(range(len(lines))):
            fewer = lines[:index] + lines[index + 1 :]
            if finding(replay, "".join(fewer)) == wanted:
                lines = fewer
                changed = True
    with open(path + ".min", "w", encoding="utf-8") as file:
        file.write("".join(lines))
    print(f"{path}.min: {len(lines)} lines: {wanted}")


if __name__ == "__main__":
    main(*sys.argv[1:])
