"""Programs as the store keeps them: one line of JSON each.

The one idea: what comes back is believed no more than what a stranger sends. A program of another
form, or one that is not safe to run (`soundness`), is refused, and its source is compiled again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from myocan.hub.core.program import (
    At,
    Attribute,
    AttributeKind,
    Program,
    Role,
    TopicDefinition,
    Type,
    Variable,
    When,
)
from myocan.hub.core.soundness import check

FORMAT = 5
"""Version of this form; a program of another one is compiled again from its source."""


def write_program(program: Program) -> str:
    """Return a program as one line of JSON that `read_program` reads back equal."""
    plain = asdict(program)
    plain["format"] = FORMAT
    plain["entries"] = sorted(program.entries.items())
    plain["keyed_entries"] = sorted(program.keyed_entries.items())
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def read_program(text: str) -> Program:
    """Read what `write_program` wrote.

    Raises:
        ValueError: it is of another `FORMAT`, or no program that is safe to run
            (`soundness.check`); compile its source again.
    """
    try:
        plain: dict[str, Any] = json.loads(text)
        if plain.pop("format") != FORMAT:
            raise ValueError("it is of another version")
        program = Program(
            module=plain["module"],
            variables=tuple(_variable(v) for v in plain["variables"]),
            code=tuple(plain["code"]),
            texts=tuple(plain["texts"]),
            entries=dict(plain["entries"]),
            whens=tuple(When(**{**w, "reads": tuple(w["reads"])}) for w in plain["whens"]),
            lines=tuple((pc, line) for pc, line in plain["lines"]),
            ats=tuple(At(**at) for at in plain["ats"]),
            key=plain["key"],
            auto=plain["auto"],
            agent=plain["agent"],
            keyed_entries=dict(plain["keyed_entries"]),
            attributes=tuple(
                Attribute(AttributeKind(a["kind"]), a["of"], a["variable"])
                for a in plain["attributes"]
            ),
            topics=tuple(_definition(t) for t in plain["topics"]),
            history=plain["history"],
            python=plain["python"],
        )
        check(program)
        return program
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a stored program: {error}; compile its source again") from error


def _variable(plain: dict[str, Any]) -> Variable:
    topic = plain["topic"]
    return Variable(
        **{
            **plain,
            "role": Role(plain["role"]),
            "type": Type(plain["type"]),
            "topic": None if topic is None else (topic[0], topic[1], topic[2]),
            "members": tuple(plain["members"]),
        }
    )


def _definition(plain: dict[str, Any]) -> TopicDefinition:
    domain, module, variable = plain["topic"]
    return TopicDefinition(
        **{
            **plain,
            "topic": (domain, module, variable),
            "type": Type(plain["type"]),
            "members": tuple(plain["members"]),
        }
    )
