"""Enough of C++ to find functions without a compiler.

Comments, literals and preprocessor lines are blanked out, then braces are matched; the text before
an opening brace tells what it opens: a scope, a function or an initialiser.
"""

import re

SCOPE_WORDS = {"namespace", "class", "struct", "union", "enum"}
TOKEN = re.compile(r"\n|[A-Za-z_]\w*|::|->|\d[\w.']*|\S")
RAW_STRING = re.compile(r'(?:u8|[uUL])?R"([^()\\\s]{0,16})\(')
TEST_MACROS = {"TEST", "TEST_F", "TEST_P", "TYPED_TEST", "RC_GTEST_PROP", "RC_GTEST_FIXTURE_PROP"}


def blank(text):
    """The same text with comments, literals and preprocessor lines replaced by spaces."""
    out, i, line_start = [], 0, True
    while i < len(text):
        end = end_of_blank(text, i, line_start)
        if end > i:
            out += ["\n" if char == "\n" else " " for char in text[i:end]]
            i = end
            continue
        out.append(text[i])
        line_start = text[i] == "\n" or (line_start and text[i].isspace())
        i += 1
    return "".join(out)


def end_of_blank(text, i, line_start):
    """The end of the comment, literal or directive that begins at i; i when none does."""
    char = text[i]
    if text.startswith("//", i) or (char == "#" and line_start):
        return end_of_line(text, i)
    if text.startswith("/*", i):
        return end_of(text, "*/", i + 2)
    if char in "uULR" and not (i > 0 and (text[i - 1].isalnum() or text[i - 1] == "_")):
        raw = RAW_STRING.match(text, i)
        if raw:
            return end_of(text, ")" + raw.group(1) + '"', raw.end())
    if char == '"' or (char == "'" and not is_digit_separator(text, i)):
        return end_of_literal(text, i)
    return i


def end_of(text, mark, i):
    found = text.find(mark, i)
    return len(text) if found < 0 else found + len(mark)


def end_of_line(text, i):
    """The end of the logical line that holds i: a trailing backslash continues it."""
    while True:
        end = text.find("\n", i)
        if end < 0:
            return len(text)
        if text[end - 1] != "\\":
            return end
        i = end + 1


def end_of_literal(text, i):
    quote = text[i]
    i += 1
    while i < len(text) and text[i] != quote and text[i] != "\n":
        i += 2 if text[i] == "\\" else 1
    return min(i + 1, len(text))


def is_digit_separator(text, i):
    """1'000: a quote inside one number."""
    before = re.search(r"[\w']+$", text[max(0, i - 40) : i])
    return bool(before and before.group(0)[0].isdigit() and text[i + 1 : i + 2].isalnum())


def strip_template(head):
    """Removes leading template<...> lists; their `class` opens no scope."""
    while head[:2] == ["template", "<"]:
        depth, i = 0, 1
        while i < len(head):
            depth += {"<": 1, ">": -1}.get(head[i], 0)
            i += 1
            if depth == 0:
                break
        head = head[i:]
    return head


def opens(head):
    """What a brace opens after these tokens: "scope", "function" or "other" (an initialiser)."""
    head = strip_template(head)
    if not head or head[0] == "extern" and len(head) <= 2:
        return "scope"
    paren = head.index("(") if "(" in head else len(head)
    word = next((i for i, token in enumerate(head) if token in SCOPE_WORDS), None)
    if word is not None and word < paren and "=" not in head:
        # `struct X f() {` is a function that returns a struct; `class alignas(8) X {` and
        # `class X : public Y<f(1)> {` are none.
        if paren == len(head) or "alignas" in head or ":" in head[word:paren]:
            return "scope"
    if paren == len(head) or head[-1] in {"=", ",", "(", "return"}:
        return "other"
    in_list = any(b == ":" and a in {")", "noexcept"} for a, b in zip(head, head[1:]))
    if in_list and head[-1] not in {")", "}"}:
        return "other"  # a member's brace initialiser: `Foo() : a_{1} {`
    return "function"


def function_name(head):
    head = strip_template(head)
    if "(" not in head:
        return "?"
    first = head.index("(")
    name = head[first - 1] if first > 0 else "?"
    return "".join(head[first - 1 :]) if name in TEST_MACROS else name


def functions(text):
    """(line of the opening brace, name, lines up to the closing one) of every function body.

    A lambda counts as part of the function that holds it.
    """
    found, stack, head, line, bodies = [], [], [], 1, 0
    for match in TOKEN.finditer(blank(text)):
        token = match.group(0)
        if token == "\n":
            line += 1
        elif token == "{":
            kind = "other" if bodies else opens(head)
            bodies += kind == "function"
            stack.append((kind, line, head))
            # An initialiser continues its statement; everything else begins anew.
            head = head if kind == "other" else []
        elif token == "}" and stack:
            kind, first, before = stack.pop()
            if kind == "function":
                bodies -= 1
                found.append((first, function_name(before), line - first + 1))
            head = before + ["}"] if kind == "other" else []
        elif bodies:
            continue
        elif token == ";" or (token == ":" and head[-1:] in (["public"], ["private"], ["protected"])):
            head = []
        else:
            head = head + [token]
    return found
