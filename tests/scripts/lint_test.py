"""The checks of scripts/lint find what is planted, and nothing where nothing is."""

import os
import sys
import tempfile
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "lib"))

from lint import cpp, dead_files, layers, lengths, one_definition, tree, words  # noqa: E402


class Tree:
    """A folder with some files, and the checks run on it."""

    def __init__(self, files):
        self.folder = tempfile.TemporaryDirectory(prefix="zerotail-lint-")
        for path, text in files.items():
            full = os.path.join(self.folder.name, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)

    def problems(self, check):
        root = self.folder.name
        with self.folder:
            return list(check(root, tree.list_files(root)))


def problems(check, **files):
    """Runs one check; `__` in a name stands for a slash, a last `_` part for the extension."""
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return Tree(named).problems(check)


class Layers(unittest.TestCase):
    def test_an_upward_include_is_found_with_its_place(self):
        found = problems(layers.check, sim__a_dot_cc='\n#include "zerotail/exfat/mkfs.h"\n')
        self.assertEqual(
            found,
            ["sim/a.cc:2: sim must not include zerotail/exfat/mkfs.h: exfat is not below it"],
        )

    def test_a_downward_include_is_fine(self):
        self.assertEqual(
            problems(layers.check, fault__a_dot_cc='#include "zerotail/sim/bio.h"\n'), []
        )

    def test_neighbours_inside_the_core_do_not_see_each_other(self):
        found = problems(layers.check, core__exfat__a_dot_cc='#include "zerotail/mm/folio.h"\n')
        self.assertEqual(len(found), 1)

    def test_a_path_into_another_folder_is_found(self):
        found = problems(layers.check, sim__a_dot_cc='#include "../fault/plan.h"\n')
        self.assertEqual(len(found), 1)

    def test_a_library_stays_in_its_layer(self):
        found = problems(layers.check, core__io__a_dot_cc="#include <nlohmann/json.hpp>\n")
        self.assertEqual(found, ["core/io/a.cc:1: io must not include nlohmann/json.hpp"])

    def test_an_upward_link_is_found(self):
        found = problems(
            layers.check,
            fault__CMakeLists_dot_txt="\nzerotail_library(zerotail_fault DEPENDS zerotail_core)\n",
        )
        self.assertEqual(
            found, ["fault/CMakeLists.txt:2: zerotail_fault must not link zerotail_volume"]
        )

    def test_tests_may_use_anything(self):
        found = problems(layers.check, tests__sim__a_dot_cc='#include "zerotail/cli/terminal.h"\n')
        self.assertEqual(found, [])


class OneDefinition(unittest.TestCase):
    def test_two_types_of_one_qualified_name_are_found(self):
        text = "namespace a {\nnamespace b {\nstruct X {\n  int i = 0;\n};\n}\n}\n"
        found = problems(
            one_definition.check, one_dot_h=text, two_dot_cc="namespace a::b {\nclass X : Y {};\n}"
        )
        self.assertEqual(found, ["two.cc:2: a::b::X is defined in one.h:3 as well"])

    def test_unnamed_namespaces_functions_and_other_outer_types_are_apart(self):
        one = "namespace a {\nnamespace {\nstruct X {};\n}\nstruct S::Impl {};\nstruct F;\n}\n"
        two = "namespace a {\nvoid f() {\n  struct X {};\n}\nstruct T::Impl {};\nstruct F;\n}\n"
        self.assertEqual(problems(one_definition.check, one_dot_cc=one, two_dot_cc=two), [])


def body(lines):
    return "{\n" + "  call();\n" * (lines - 2) + "}\n"


class FunctionLength(unittest.TestCase):
    def names(self, text):
        return {name: length for _, name, length in cpp.functions(textwrap.dedent(text))}

    def test_seventy_lines_are_allowed_and_one_more_is_not(self):
        fits = problems(lengths.check, a_dot_cc="void f() " + body(70))
        too_long = problems(lengths.check, a_dot_cc="\n\nvoid f() " + body(71))
        self.assertEqual(fits, [])
        self.assertEqual(too_long, ["a.cc:3: f: 71 lines; a function has at most 70"])

    def test_case_labels_do_not_count(self):
        cases = "".join(f"    case E::k{i}:\n" for i in range(40))
        fits = "void f() {\n" + cases + "    g();\n" * 68 + "}\n"
        self.assertEqual(problems(lengths.check, a_dot_cc=fits), [])
        too_long = "void f() {\n" + cases + "    g();\n" * 69 + "}\n"
        self.assertEqual(len(problems(lengths.check, a_dot_cc=too_long)), 1)

    def test_scopes_are_no_functions(self):
        text = "namespace a::b {\nclass C final : public D<E(int)> {\n public:\n  int x;\n};\n}\n"
        self.assertEqual(self.names(text), {})

    def test_a_method_inside_a_class_is_found(self):
        text = """\
            namespace a {
            template <class T, typename U = int>
            struct S {
              explicit S(int v) : x_{v}, y_(v), z_{} {
                go();
              }
              auto get() const noexcept -> int { return x_; }
              int x_ = 0;
            };
            }
            """
        self.assertEqual(self.names(text), {"S": 3, "get": 1})

    def test_initialisers_are_no_functions(self):
        text = """\
            constexpr std::array<int, 3> kTable = {
                1,
                2,
            };
            const Row kRows[] = {{"a", f(1)}, {"b", f(2)}};
            int after() {
              return 1;
            }
            """
        self.assertEqual(self.names(text), {"after": 3})

    def test_braces_in_text_do_not_count(self):
        text = """\
            void f() {
              // }
              const char* s = "}{";
              char c = '}';
              auto r = R"x(} "} )x";
              int n = 1'000;
            #define OPEN {
              /* } */
            }
            void g() {}
            """
        self.assertEqual(self.names(text), {"f": 9, "g": 1})

    def test_a_function_that_returns_a_struct_is_a_function(self):
        self.assertEqual(self.names("struct stat look(int fd) {\n}\n"), {"look": 2})

    def test_a_test_is_named_in_full(self):
        self.assertEqual(self.names("TEST(Disk, Reads) {\n}\n"), {"TEST(Disk,Reads)": 2})

    def test_lambdas_count_for_their_function(self):
        text = "void f() {\n  auto g = [](int x) {\n    return x;\n  };\n}\n"
        self.assertEqual(self.names(text), {"f": 5})

    def test_python_functions_are_measured_too(self):
        found = problems(lengths.check, a_dot_py="def f():\n" + "    g()\n" * 70)
        self.assertEqual(found, ["a.py:1: f: 71 lines; a function has at most 70"])

    def test_long_files_are_found(self):
        found = problems(lengths.check, a_dot_h="int x;\n" * 601)
        self.assertEqual(found, ["a.h:1: 601 lines; a file has at most 600"])


class Words(unittest.TestCase):
    def test_a_real_clock_is_found_outside_cli(self):
        text = "auto t = std::chrono::steady_clock::now();\n"
        self.assertEqual(len(problems(words.check, sim__a_dot_cc=text)), 1)
        self.assertEqual(problems(words.check, cli__a_dot_cc=text), [])

    def test_a_sector_shift_is_found(self):
        found = problems(words.check, fault__a_dot_cc="auto b = s << 9;\n")
        self.assertEqual(len(found), 1)

    def test_text_and_comments_are_not_code(self):
        text = '// x << 9\nconst char* s = "steady_clock";\n'
        self.assertEqual(problems(words.check, fault__a_dot_cc=text), [])

    def test_a_left_over_in_a_comment_is_found(self):
        found = problems(words.check, sim__a_dot_cc="// TO" + "DO: later\n")
        self.assertEqual(len(found), 1)


LIBRARY = "zerotail_library(zerotail_sim)\n"


class DeadFiles(unittest.TestCase):
    def test_a_source_that_no_rule_collects_is_found(self):
        found = problems(
            dead_files.check,
            sim__CMakeLists_dot_txt=LIBRARY,
            sim__README_dot_md="",
            sim__a_dot_cc="",
            sim__old__b_dot_cc="",
        )
        self.assertEqual(found, ["sim/old/b.cc: nothing builds, includes, runs or links it"])

    def test_a_header_that_nothing_includes_is_found(self):
        files = {
            "sim/CMakeLists.txt": LIBRARY,
            "sim/README.md": "a.h",
            "sim/include/zerotail/sim/a.h": "",
            "sim/include/zerotail/sim/b.h": "",
            "sim/b.cc": '#include "zerotail/sim/b.h"\n',
        }
        self.assertEqual(
            Tree(files).problems(dead_files.check),
            ["sim/include/zerotail/sim/a.h: nothing builds, includes, runs or links it"],
        )

    def test_a_folder_without_readme_is_found(self):
        found = problems(dead_files.check, sim__CMakeLists_dot_txt=LIBRARY, sim__a_dot_cc="")
        self.assertEqual(found, ["sim: has no README.md"])


class ThisTree(unittest.TestCase):
    def test_follows_the_layer_rule(self):
        self.assertEqual(list(layers.check(ROOT, tree.list_files(ROOT))), [])


if __name__ == "__main__":
    unittest.main()
