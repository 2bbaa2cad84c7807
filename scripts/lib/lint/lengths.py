"""Length of files and functions."""

import ast

from lint import cpp, tree

MAX_FILE = 600
MAX_FUNCTION = 70
MEASURED = (".cc", ".h", ".py", ".sh", ".cmake")


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def functions(path, text):
    if tree.is_cpp(path):
        return cpp.functions(text)
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
