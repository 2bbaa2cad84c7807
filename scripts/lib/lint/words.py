"""Things that must not stand in the sources: they break determinism, or are left-overs."""

import re

from lint import cpp, tree

HOST = ("cli/", "bench/", "tests/")
# (what, why not, where it is allowed)
RULES = [
    (r"\bstd::s?rand\b|\bs?rand\(\)", "not deterministic; take a sim::Prng", ()),
    (r"\brandom_device\b", "not deterministic; take a sim::Prng", ()),
    (r"\b(?:system|steady|high_resolution)_clock\b", "a real clock; time is virtual", HOST),
    (r"\b(?:gettimeofday|clock_gettime)\(|\btime\((?:NULL|nullptr|0)\)", "a real clock", HOST),
    (r"(?:<<|>>)\s*9\b", "sector arithmetic stands in units.h", ("sim/include/zerotail/sim/units.h",)),
    (r"#\s*include\s*<(?:ranges|source_location|expected|format)>", "not in both compilers", ()),
]
# In comments as well.
LEFT_OVERS = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def check(root, files):
    """Yields "path:line: what" for every forbidden word in C++ sources."""
    rules = [(re.compile(pattern), why, places) for pattern, why, places in RULES]
    for path in files:
        if not tree.is_cpp(path):
            continue
        text = tree.read(root, path)
        code = cpp.blank(text).split("\n")
        for number, line in enumerate(text.split("\n"), 1):
            if LEFT_OVERS.search(line):
                yield f"{path}:{number}: a left-over: {line.strip()}"
            # Directives are blanked as well, and must be looked at.
            seen = line if line.lstrip().startswith("#") else code[number - 1]
            for pattern, why, places in rules:
                found = pattern.search(seen)
                if found and not (places and path.startswith(places)):
                    yield f"{path}:{number}: {found.group(0)}: {why}"
