"""The table of docs/DEPENDENCIES.md, made from scripts/dependencies.txt.

--check exits with 1 when the page says something else than the list; --write rewrites the table.
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIST = os.path.join(ROOT, "scripts", "dependencies.txt")
PAGE = os.path.join(ROOT, "docs", "DEPENDENCIES.md")
BEGIN = "<!-- from scripts/dependencies.txt; scripts/lint --fix rewrites it -->\n"
END = "<!-- end -->\n"


def table():
    lines = ["| package | for | version | licence | why |\n", "|---|---|---|---|---|\n"]
    with open(LIST, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = [field.strip() for field in line.split("|")]
            if len(fields) != 5 or not all(fields):
                sys.exit(f"zerotail: {LIST}:{number}: not five fields")
            lines.append("| `" + "` | ".join(fields[:1]) + "` | " + " | ".join(fields[1:]) + " |\n")
    return "".join(lines)


def main(argument):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if BEGIN not in page or END not in page:
        sys.exit(f"zerotail: {PAGE}: the marks around the table are missing")
    begin = page.index(BEGIN) + len(BEGIN)
    wanted = page[:begin] + table() + page[page.index(END) :]
    if argument == "--check":
        if page != wanted:
            print("docs/DEPENDENCIES.md: is not what scripts/dependencies.txt says; scripts/lint --fix")
        return 0 if page == wanted else 1
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
