"""The files that the checks look at: what git tracks, or would track."""

import os
import subprocess
import sys

SKIPPED = {".git", "build", "out", ".cache", "__pycache__"}


def list_files(root):
    """Paths relative to root, sorted. Without git (an archive), walks the folder instead."""
    # The clone may belong to somebody else than who runs the check.
    command = ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "--cached"]
    command += ["--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, capture_output=True, check=False)
        if listing.returncode == 0:
            names = listing.stdout.decode().split("\0")
            return sorted({n for n in names if n and os.path.isfile(os.path.join(root, n))})
    except FileNotFoundError:
        pass
    found = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if name not in SKIPPED]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def is_cpp(path):
    return path.endswith((".cc", ".h"))


def is_script(root, path):
    """A file without an extension that starts with #!."""
    if "." in path.split("/")[-1]:
        return False
    with open(os.path.join(root, path), "rb") as file:
        return file.read(2) == b"#!"


def main(root, kinds):
    """Prints the files of some kinds: extensions, or "#!bash" for scripts run by bash."""
    for path in list_files(root):
        if path.endswith(tuple(kind for kind in kinds if kind.startswith("."))):
            print(path)
        elif "#!bash" in kinds and is_script(root, path):
            if "bash" in read(root, path).split("\n", 1)[0]:
                print(path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
