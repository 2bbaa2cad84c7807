"""Files that nothing uses, and folders that nothing explains.

A source is alive when a build rule collects it (the globs of cmake/ZerotailTargets.cmake and
tests/CMakeLists.txt) or another file names it; a header when another file includes it; a script, a
Python module or a page when another file names it; data when another file names it or its folder.
"""

import os
import re

from lint import tree

# Found by their place: by git, by the build system, by code hosts, by people.
BY_PLACE = {
    ".clang-format",
    ".gitignore",
    "CHANGELOG.md",
    "CMakeLists.txt",
    "CMakePresets.json",
    "Containerfile",
    "LICENSE",
    "README.md",
}
ENTRY_POINTS = {".ci/run"}
NEEDS_README = re.compile(r"^(?:[a-z_]+|core/[a-z_]+)$")


def glob_folders(root, files):
    """Folders whose *.cc a build rule collects."""
    folders = set()
    for path in files:
        if not path.endswith("CMakeLists.txt"):
            continue
        text, folder = tree.read(root, path), os.path.dirname(path)
        if re.search(r"^\s*zerotail_library\(|^\s*file\(GLOB sources", text, re.M):
            folders.add(folder)
        folders |= {f"{folder}/{name}" for name in re.findall(r"zerotail_test\(([\w/]+)", text)}
    return folders


def collected(path, folders):
    """True when a build rule globs the source; a test folder is collected with its subfolders."""
    folder = os.path.dirname(path)
    below = (f + "/" for f in folders if f.startswith("tests/"))
    return folder in folders or any(folder.startswith(f) for f in below)


class Names:
    """The texts in which a file can be named."""

    def __init__(self, root, files):
        self.texts = {path: tree.read(root, path) for path in files if is_text(root, path)}

    def match(self, pattern, path):
        wanted = re.compile(pattern)
        return any(wanted.search(text) for other, text in self.texts.items() if other != path)

    def names_file(self, path):
        base = os.path.basename(path)
        if self.match(r"(?<![\w-])" + re.escape(base) + r"(?![\w-])", path):
            return True
        if not path.endswith(".py"):
            return False
        module = re.escape(base[:-3])
        if base == "__main__.py":  # run by its package's name
            module = re.escape(os.path.basename(os.path.dirname(path)))
            return self.match(r"\s-m\s+" + module + r"\b", path)
        return self.match(r"\bimport\b.*\b" + module + r"\b", path)

    def includes(self, path):
        """Some file includes the header under the name that its include root gives it."""
        name = path.split("/include/", 1)[1] if "/include/" in path else os.path.basename(path)
        return self.match(r'#\s*include\s*["<](?:[\w/]+/)?' + re.escape(name) + r'[">]', path)

    def names_folder(self, path):
        """Some file names a folder above a data file: by its path, or, from a folder that holds
        it, by the rest of its path (`workloads/`)."""
        parts = path.split("/")[:-1]
        for depth in range(2, len(parts) + 1):
            folder = re.escape("/".join(parts[:depth]))
            if self.match(r"(?<![\w-])" + folder + r"(?![\w-])", path):
                return True
            relative = re.compile(r"(?<![\w-])" + re.escape("/".join(parts[1:depth])) + "/")
            near = parts[0] + "/"
            if any(relative.search(t) for f, t in self.texts.items() if f.startswith(near)):
                return True
        return False


def is_data(path):
    return not path.endswith((".cc", ".h", ".py", ".md", ".sh", ".cmake"))


def is_text(root, path):
    base = os.path.basename(path)
    return not is_data(path) or base in BY_PLACE or path in ENTRY_POINTS or tree.is_script(root, path)


def check_folders(files):
    folders = set()
    for path in files:
        parts = path.split("/")
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    for folder in sorted(folders):
        if NEEDS_README.match(folder) and f"{folder}/README.md" not in files:
            yield f"{folder}: has no README.md"


def check(root, files):
    """Yields "path: what" for every dead file and unexplained folder."""
    folders = glob_folders(root, files)
    names = Names(root, files)
    for path in files:
        if os.path.basename(path) in BY_PLACE or path in ENTRY_POINTS:
            continue
        if path.endswith(".cc"):
            alive = collected(path, folders) or names.names_file(path)
        elif path.endswith(".h"):
            alive = names.includes(path)
        else:
            alive = names.names_file(path) or (is_data(path) and names.names_folder(path))
        if not alive:
            yield f"{path}: nothing builds, includes, runs or links it"
    yield from check_folders(files)
