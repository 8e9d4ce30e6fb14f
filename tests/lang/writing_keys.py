"""Random modules with keys, or with maps, as text, for hypothesis: all of them compile.

The one idea: what is of all stands before what is of one, and each draws from words of its own; so
whatever is drawn, the compiler has nothing to say against it.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYED = """\
EXTERNAL notify
TOPIC night.bell {a,b,c} KEEP 3 days
SUBSCRIBE each[room] {a,b,c}
SUBSCRIBE level[Room] 0
SUBSCRIBE other[room].note
SUBSCRIBE other[hall].note AS hall
SUBSCRIBE whole {a,b,c}
SUBSCRIBE name
SUBSCRIBE n 0
PRIVATE count 0
PRIVATE mine[room] 0.0
PRIVATE title[room] ""
PUBLIC total 0
PUBLIC bell
PUBLIC night["hall"].bell {a,b,c} AS night
PUBLIC state[room] {a,b,c}
PUBLIC ring[room]
TIMER rest 5 minutes
TIMER off[room] 1 minute
"""
OF_ALL = {
    "events": ("whole", "whole.a", "n > 3", "name", "hall", 'hall == "x"', "rest", "whole OR n"),
    "guards": (
        *("total > 3", "whole != b", 'name == "x"', "name == total", "n#timestamp > 3"),
        *("hall#producer != name#topic", "system.clock#hour < 5", "system.clock#time >= noon"),
        *("system.clock#weekday.monday", 'system.module#name == "m"', "count#modified > n"),
    ),
    "actions": (
        *("count++", "total = total + n", "activate(bell)", "start(rest)", "create(name)"),
        *("reset(rest)", 'create("hall")', 'drop("hall")', "drop(name)", "next(night)"),
        *("log(whole, name, n + 1)", "notify(whole, n, n / 2, n > 3)", "notify()", "ignore"),
        *("total = system.clock#minute", "total = n#offset", "count = count - 2"),
    ),
    "whens": ("total > 3", "whole.a OR n == 2", "count != total", "n#modified > 5"),
}
OF_ONE = {
    "events": (
        *(
            "each",
            "each[room].b",
            "level > 2",
            "level[room] == n",
            "other.note",
            "off",
            "off[room]",
        ),
        *("other[room].note OR each.a", "whole OR each", "whole", "n > 3 OR level < 2"),
    ),
    "guards": (
        *("state.a", "state[room] != each", "mine > n", 'room == "hall"', "room != title"),
        *("title == room", "name == room", "mine#modified > level[room]#timestamp"),
        *("total > 3 AND NOT state.b", "level + mine * 2 < total"),
    ),
    "actions": (
        *("next(state)", "state[room] = each", "state.c", "mine[room] = level / 2", "mine++"),
        *(
            "title = room",
            "title = each",
            "activate(ring[room])",
            "start(off)",
            "cancel(off[room])",
        ),
        *("drop(room)", "create(title)", "log(room, state, mine)", "notify(room, state)"),
        *("state = title", "title = system.module#name", "mine = system.clock#now"),
    ),
    "whens": ("state.a", "mine > total", "title == room AND whole.b", "level[room]#offset > 3"),
}
MAPS = """\
SUBSCRIBE room ""
SUBSCRIBE which {hall,attic}
SUBSCRIBE what
SUBSCRIBE n 0
PUBLIC mode[room] {a,b,c}
PUBLIC level[room] {0.0-9.9}
PUBLIC flag[room] {false,true}
PUBLIC title[room] ""
PUBLIC wake[room] 07:00
PUBLIC bell[room]
PUBLIC last {a,b,c}
"""
OF_MAPS = {
    "events": ("room", "which", "which.hall", "what", "n", "n > 3", "room OR n"),
    "guards": (
        *('mode["hall"].a', "mode[room] != mode[which]", "level[room] > 2", "flag[what]"),
        *('NOT flag["hall"]', 'title[room] == "x"', "title[room] == mode[which]"),
        *("wake[room] >= noon", 'wake["x"] == wake[which]', "level[room] + n < level[which] * 2"),
        *(
            "mode[room] == last",
            "(flag[room]) == (n > 3)",
            "n == level[room]",
            "what == level[room]",
        ),
    ),
    "actions": (
        *('mode["hall"] = b', "mode[room].c", "next(mode[which])", "mode[room] = mode[which]"),
        *(
            "level[room]++",
            "level[room] = level[which] + 0.5",
            "level[which] = n",
            "flag[room].true",
        ),
        *("flag[room] = n > 3 OR mode[room].a", "flag[which] = flag[room]", 'title[room] = "x"'),
        *("title[which] = room", "title[room] = mode[which]", "wake[room] = 8:15"),
        *("wake[room] = wake[which]", "activate(bell[room])", "last = mode[room]"),
        *('log(mode["a"], level[room], wake[which])', "level[room] = what", "title[room] = what"),
    ),
    "whens": ('mode["hall"].a', "level[room] > n", "flag[which]", "title[room] != title[which]"),
}


@st.composite
def _reaction(draw: Any, opening: str, words: dict[str, tuple[str, ...]]) -> str:
    lines = [opening]
    for _ in range(draw(st.integers(0, 2))):
        lines.append(f"  AND {draw(st.sampled_from(words['guards']))}")
    for _ in range(draw(st.integers(1, 3))):
        lines.append(f"  THEN {draw(st.sampled_from(words['actions']))}")
    return "\n".join(lines)


@st.composite
def _reactions(draw: Any, words: dict[str, tuple[str, ...]]) -> list[str]:
    found = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(("ON", "ON", "WHEN", "AT")))
        if kind == "AT":
            opening = draw(st.sampled_from(("AT noon", "AT 10 minutes after midnight")))
        else:
            opening = (
                f"{kind} {draw(st.sampled_from(words['events' if kind == 'ON' else 'whens']))}"
            )
        found.append(draw(_reaction(opening, words)))
    return found


@st.composite
def keyed(draw: Any) -> str:
    """Draw a module called m with the key `room`."""
    auto = draw(st.sampled_from(("", " AUTO", " AGENT pi-porch")))
    # A reaction of one is one by its guard, whatever else it names.
    of_one = {**OF_ONE, "guards": tuple(f'room != "" AND ({g})' for g in OF_ONE["guards"])}
    ones = [text.replace("\n", '\n  AND room != ""\n', 1) for text in draw(_reactions(of_one))]
    return "\n".join((f"MODULE m[room]{auto}", KEYED, *draw(_reactions(OF_ALL)), *ones)) + "\n"


@st.composite
def maps(draw: Any) -> str:
    """Draw a module called m without a key, with maps."""
    return "\n".join(("MODULE m", MAPS, *draw(_reactions(OF_MAPS)))) + "\n"


_KEYED_MESSAGES = (
    *('m[hall].each = "b"', 'm[attic].each = "a"', "m[hall].level = 3", 'other[hall].note = "x"'),
    *("other[attic].note = 5", 'm.whole = "a"', 'm.whole = "c"', 'm.name = "attic"', "m.name = 3"),
    *("m.n = 4", "m.n = 2", 'm.name = "hall"', "6 minutes later", 'm[cellar].each = "c"'),
)
_MAP_MESSAGES = (
    *('m.room = "hall"', 'm.room = "cellar"', 'm.room = ""', 'm.which = "attic"', "m.n = 4"),
    *('m.which = "hall"', "m.n = 1", "m.n = 9", 'm.what = "hall"', "m.what = 4", "m.what = null"),
)


def keyed_messages() -> st.SearchStrategy[list[str]]:
    """Draw what is sent to a keyed module."""
    return st.lists(st.sampled_from(_KEYED_MESSAGES), max_size=8)


def map_messages() -> st.SearchStrategy[list[str]]:
    """Draw what is sent to a module with maps."""
    return st.lists(st.sampled_from(_MAP_MESSAGES), max_size=8)
