"""`externals.py` of a house: what it registers, and what is said when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub import external
from myocan.hub.externals import ExternalsError, load_externals, takes_key


def load(path: Path, text: str) -> dict[str, object]:
    file = path / "externals.py"
    file.write_text(text)
    return dict(load_externals(file))


def test_functions_are_found_by_their_folded_names(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "from myocan.hub import external\n"
        "@external\ndef Notify(text, *, key):\n    return text\n"
        "external.register('sayHello', lambda: 'hello')\n",
    )
    assert sorted(found) == ["notify", "sayhello"]
    assert load_externals(None) == {}
    assert load(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x = 1\ny = (\n", 2, "SyntaxError"),
        ("\nimport nothing_of_this_name\n", 2, "ModuleNotFoundError"),
        ("def f():\n    1 / 0\nf()\n", 2, "ZeroDivisionError"),
        ("from myocan.hub import external\nexternal.register('a b', print)\n", 2, "letters"),
        ("from myocan.hub import external\nexternal.register('a', 5)\n", 2, "no function"),
        (
            "from myocan.hub import external\n@external\ndef a(): ...\n@external\ndef A(): ...\n",
            4,
            "two",
        ),
        ("x = 1\0", None, "mend it"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, words: str
) -> None:
    with pytest.raises(ExternalsError) as caught:
        load(tmp_path, text)
    told = str(caught.value)
    assert words in told
    assert "\n" not in told
    assert told.startswith(f"{tmp_path}/externals.py:{line}" if line else str(tmp_path))


def test_a_file_with_a_mistake_leaves_nothing_for_the_next(tmp_path: Path) -> None:
    with pytest.raises(ExternalsError):
        load(tmp_path, "from myocan.hub import external\nexternal.register('a', print)\n1 / 0\n")
    assert load(tmp_path, "from myocan.hub import external\nexternal.register('a', print)\n")


def test_a_function_outside_of_a_house_is_still_a_function() -> None:
    @external
    def twice(number: int) -> int:
        return 2 * number

    assert twice(4) == 8


def test_who_wants_the_key_is_given_it() -> None:
    def keyword(text: str, *, key: object) -> None: ...
    def positional(text: str, key: object) -> None: ...
    def all_of_them(**options: object) -> None: ...
    def without(text: str) -> None: ...
    def only_by_place(key: object, /) -> None: ...

    wanted = [takes_key(one) for one in (keyword, positional, all_of_them, without, only_by_place)]
    assert wanted == [True, True, True, False, False]
