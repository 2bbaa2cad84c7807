"""The layer rule: no folder includes, or links, one that stands above it.

The compiler enforces most of it (a header above is not found). This check also sees what the
compiler cannot: a link line that names an upper layer, a path that climbs with "..", and libraries
that belong to one layer only.
"""

import re

from lint import tree

# What each layer may include, itself excepted. docs/ARCHITECTURE.md shows the same as a picture.
ALLOWED = {
    "sim": [],
    "fault": ["sim"],
    "mm": ["sim"],
    "buffer": ["sim"],
    "iomap": ["mm", "sim"],
    "bh": ["mm", "sim"],
    "exfat": ["buffer", "sim"],
    "io": ["iomap", "bh", "exfat", "mm", "buffer", "sim"],
    "volume": ["io", "iomap", "bh", "exfat", "mm", "buffer", "sim"],
    "harness": ["volume", "io", "iomap", "bh", "exfat", "mm", "buffer", "fault", "sim"],
}
ALLOWED["reports"] = ["harness", *ALLOWED["harness"]]
ALLOWED["cli"] = ["reports", *ALLOWED["reports"]]
ALLOWED["bench"] = ALLOWED["cli"]

# Headers of libraries that only some layers may see.
LIBRARIES = {
    "boost/": ["sim"],
    "xxhash.h": ["sim"],
    "nlohmann/": ["harness", "reports", "cli", "bench"],
    "sqlite3.h": ["harness"],
    "CLI/": ["cli"],
    "benchmark/": ["bench"],
    "gtest/": [],
    "gmock/": [],
    "rapidcheck": [],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
DEPENDS = re.compile(r"zerotail_library\(\s*zerotail_(\w+)([^)]*)\)")
# Targets that stand for a whole folder: the topmost layer inside it.
GROUPS = {"core": "volume"}


def layer_of(path):
    """The layer a source belongs to, or None (tests may use anything)."""
    parts = path.split("/")
    if parts[0] == "core":
        return parts[1] if len(parts) > 2 else None
    return parts[0] if parts[0] in ALLOWED else None


def check_include(layer, quote, name):
    """What is wrong with one include in a file of the layer, or None."""
    if name.startswith("zerotail/"):
        target = name.split("/")[1]
        if target != layer and target not in ALLOWED[layer]:
            return f"{layer} must not include {name}: {target} is not below it"
    elif quote == '"' and "/" in name:
        return f"{name}: other folders are reached through zerotail/<folder>/ only"
    for prefix, layers in LIBRARIES.items():
        if name.startswith(prefix) and layer not in layers:
            return f"{layer} must not include {name}"
    return None


def check_links(text):
    """Upward names in the DEPENDS of a CMakeLists.txt: (line, what) pairs."""
    for match in DEPENDS.finditer(text):
        layer = match.group(1)
        line = text.count("\n", 0, match.start()) + 1
        if layer not in ALLOWED:
            yield line, f"zerotail_{layer}: an unknown layer"
            continue
        for target in re.findall(r"\bzerotail_(\w+)", match.group(2)):
            target = GROUPS.get(target, target)
            if target not in ALLOWED[layer]:
                yield line, f"zerotail_{layer} must not link zerotail_{target}"


def check(root, files):
    """Yields "path:line: what" for every break of the rule."""
    for path in files:
        if path.endswith("CMakeLists.txt") and not path.startswith("tests/"):
            for line, what in check_links(tree.read(root, path)):
                yield f"{path}:{line}: {what}"
        layer = layer_of(path)
        if layer is None or not tree.is_cpp(path):
            continue
        if layer not in ALLOWED:
            yield f"{path}:1: {layer} is not a layer; scripts/lib/lint/layers.py lists them"
            continue
        for number, text in enumerate(tree.read(root, path).split("\n"), 1):
            match = INCLUDE.match(text)
            what = check_include(layer, *match.groups()) if match else None
            if what:
                yield f"{path}:{number}: {what}"
