"""No type is defined twice under one name: what is linked together would take either of them."""

from lint import cpp, tree

KINDS = {"class", "struct", "union", "enum"}
# Two of these are never linked into one binary.
APART = ("tests/core/", "tests/fuzz/")


def check(root, files):
    """Yields "path:line: ..." for every type whose qualified name another file defines as well."""
    first = {}
    for path in files:
        if not tree.is_cpp(path):
            continue
        apart = path.rsplit("/", 1)[0] if path.startswith(APART) else ""
        for line, name in types(tree.read(root, path)):
            place = first.setdefault((apart, name), (path, line))
            if place[0] != path:
                yield f"{path}:{line}: {name} is defined in {place[0]}:{place[1]} as well"


def types(text):
    """(line, qualified name) of every type defined outside functions and unnamed namespaces."""
    found, stack, head, line = [], [], [], 1
    for match in cpp.TOKEN.finditer(cpp.blank(text)):
        token = match.group(0)
        if token == "\n":
            line += 1
        elif token == "{":
            name = scope_name(head)
            around = stack[-1] if stack else []
            stack.append(around + [name] if name and around is not None else None)
            if stack[-1] and KINDS & set(cpp.strip_template(head)):
                found.append((line, "::".join(stack[-1])))
            head = []
        elif token == "}":
            if stack:
                stack.pop()
            head = []
        elif token == ";":
            head = []
        else:
            head = head + [token]
    return found


def scope_name(head):
    """The name of the namespace or type that a brace opens after these tokens; None for others."""
    head = cpp.strip_template(head)
    if cpp.opens(head) != "scope" or not head:
        return None
    if "namespace" in head:
        return "".join(head[head.index("namespace") + 1 :]) or None
    start = next((i for i, token in enumerate(head) if token in KINDS), None)
    if start is None:
        return None
    words = head[start:]
    words = words[: words.index(":")] if ":" in words else words
    words = [word for word in words if word not in KINDS | {"final"}]
    if "<" in words:  # a specialisation is another type
        return "".join(words)
    if not words or not words[-1].isidentifier():
        return None
    start = len(words) - 1
    while start >= 2 and words[start - 1] == "::":  # `struct Store::Impl {`
        start -= 2
    return "".join(words[start:])
