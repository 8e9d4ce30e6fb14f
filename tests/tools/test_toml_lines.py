"""The line of every statement of a TOML file is found, whatever stands in its values."""

from __future__ import annotations

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from myocan.tools.adapters.toml_lines import TomlLines

TEXT = '''\
# a comment with [brackets] and key = "value"
top = "a # no comment"   # a comment
"quoted key" = 1
dotted.key = [
    "x = 1",   # ] not the end
    { a = 1, b = "]" },
]
text = """
inner = 1
[table]
"""
literal = 'C:\\'

[table]  # why
key = { one = 1,
    two = 2 }
  [table.inner]
  key = 2000-01-01

[[array]]
name = "first"
[[array]]
name = "second"
'''


def test_every_statement_has_its_line() -> None:
    lines = TomlLines(TEXT.replace("{ one = 1,\n    two = 2 }", "{ one = 1, two = 2 }\n"))
    expected = {
        ("top",): 2,
        ("quoted key",): 3,
        ("dotted",): 4,
        ("dotted", "key"): 4,
        ("text",): 8,
        ("literal",): 12,
        ("table",): 14,
        ("table", "key"): 15,
        ("table", "key", "two"): 15,
        ("table", "inner"): 17,
        ("table", "inner", "key"): 18,
        ("array", 0, "name"): 21,
        ("array", 1): 22,
        ("array", 1, "name"): 23,
        ("nowhere",): 1,
        ("table", "nothing"): 14,
    }
    assert {path: lines.line(path) for path in expected} == expected


VALUES = st.sampled_from(
    [
        *("1", "-2.5", "true", '"#"', "'['", '"a\\"b = 1"', "[1, 2]", "[\n  1, # x]\n  2,\n]"),
        *('{ a = "}", b = [1] }', '"""\nk0 = 1\n[t]\n"""', "'''\n'' = \n'''", "1979-05-27"),
    ]
)


@given(st.lists(st.tuples(VALUES, st.sampled_from(["", "\n", "# c\n", "  \n\n"])), max_size=8))
def test_no_value_hides_the_statements_after_it(statements: list[tuple[str, str]]) -> None:
    text, expected = "", {}
    for number, (value, between) in enumerate(statements):
        text += between
        expected[(f"k{number}",)] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    tomllib.loads(text)
    lines = TomlLines(text)
    assert {path: lines.line(path) for path in expected} == expected
