"""Length of files and functions.

Lines that are nothing but a `case` label do not count: a switch over every operation is long, not
complicated, and enums are switched over without a default.
"""

import ast
import re

from lint import cpp, tree

MAX_FILE = 600
MAX_FUNCTION = 70
CASE_LABEL = re.compile(r"\s*case [\w:]+:$")
MEASURED = (".cc", ".h", ".py", ".sh", ".cmake")


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def cpp_functions(text):
    lines = text.split("\n")
    for line, name, length in cpp.functions(text):
        labels = sum(bool(CASE_LABEL.match(body)) for body in lines[line - 1 : line - 1 + length])
        yield line, name, length - labels


def functions(path, text):
    if tree.is_cpp(path):
        return cpp_functions(text)
    return python_functions(text) if path.endswith(".py") else []


def check(root, files):
    """Yields "path:line: what" for every file and function that is too long."""
    for path in files:
        if not path.endswith(MEASURED) and not tree.is_script(root, path):
            continue
        text = tree.read(root, path)
        lines = text.count("\n")
        if lines > MAX_FILE:
            yield f"{path}:1: {lines} lines; a file has at most {MAX_FILE}"
        for line, name, length in functions(path, text):
            if length > MAX_FUNCTION:
                yield f"{path}:{line}: {name}: {length} lines; a function has at most {MAX_FUNCTION}"
