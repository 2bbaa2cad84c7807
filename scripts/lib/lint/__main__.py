"""Runs the checks that need no build: python3 -m lint ROOT [CHECK...], from scripts/lib."""

import sys

from lint import dead_files, layers, lengths, one_definition, tree, words

CHECKS = {
    "layers": layers.check,
    "lengths": lengths.check,
    "words": words.check,
    "one-definition": one_definition.check,
    "dead-files": dead_files.check,
}


def main(root, names):
    files = tree.list_files(root)
    count = 0
    for name in names:
        for problem in CHECKS[name](root, files):
            count += 1
            print(f"{name}: {problem}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(CHECKS)))
