"""From a class to a program: for each reaction two methods, and code that asks them.

The one idea: the code of a module in Python only says when which method is asked; `ASK` and `RUN`
do the rest. Method 2 n is what reaction n asks before it runs, 2 n + 1 is the reaction itself.
Behind the code stands an instruction for each line of the class, which nothing runs: what a method
does is noted there, so that a message knows the line that sent it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from myocan.hub.core.program import At, Op, Program, Role, Variable, When
from myocan.hub.lang.assembler import Assembler, Label, TooLarge
from myocan.hub.lang.compiler import defined
from myocan.hub.lang.diagnostics import Diagnostic, Report, Span
from myocan.hub.lang.lexer import tokens
from myocan.hub.lang.meaning import Checked, Meaning
from myocan.hub.python.declaring import Declarations
from myocan.hub.python.loading import Loaded, load
from myocan.hub.python.module import Module, Reaction


def checked(text: str | bytes, module: str, file: str) -> Checked:
    """Find out what a module in Python means, and make a program of it.

    Arguments:
        text: of the module, or the bytes of its file.
        module: its name, which is the file's without `.py`.
        file: what messages call the file.
    """
    report = Report(file)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            report.error(Span(1, 1, 2), f"this is no text: {error.reason}; save it as UTF-8")
            return Checked(None, report.sorted())
    text = text.removeprefix("\ufeff")
    if file.endswith(".scc"):
        report.error(Span(1, 1, 2), f"this is Python; name the file {module}.py")
        return Checked(None, report.sorted())
    loaded = load(text, module, file)
    if loaded.cls is None:
        return Checked(None, loaded.diagnostics)
    writer = _Writer(loaded, report)
    try:
        program = writer.program(module, text)
    except TooLarge as error:
        report.error(Span(error.line or 1, 1, 2), error.message)
    found = [*loaded.diagnostics, *report.sorted()]
    if report.failed:
        return Checked(None, found)
    declared = loaded.declared
    meaning = Meaning(
        module,
        program.variables,
        (),
        (),
        key=program.key,
        auto=program.auto,
        agent=program.agent,
        history=program.history,
        topics=tuple(declared.topics),
    )
    spans = tuple(declared.spans)
    return Checked(meaning, found, spans, tuple(declared.topic_spans), program)


class _Writer(Assembler):
    def __init__(self, loaded: Loaded, report: Report) -> None:
        super().__init__()
        assert loaded.cls is not None
        self.cls = loaded.cls
        self.declared: Declarations = loaded.declared
        self.report = report
        self.keyed = bool(self.declared.key)

    def program(self, module: str, text: str) -> Program:
        """Write all of it."""
        entries: dict[int, int] = {}
        chains: dict[int, list[tuple[int, Reaction, Callable[..., Any]]]] = {}
        whens: list[When] = []
        ats: list[At] = []
        for number, (reaction, method, heard) in enumerate(self.declared.reactions):
            if reaction.kind == "on":
                chains.setdefault(heard, []).append((number, reaction, method))
            elif reaction.kind == "when":
                whens.append(self._when(number, reaction, method))
            else:
                ats += self._at(number, reaction, method, ats)
        for heard, chain in sorted(chains.items()):
            entries[heard] = len(self.code)
            for number, reaction, method in chain:
                self._on(number, heard, reaction, method)
            self.put(Op.UNMATCHED)
        for name, line in self.declared.functions.values():
            self.mark(line)
            self.put(Op.CALL, self.text(name))
        for line in range(1, text.count("\n") + 2):
            self.mark(line)
            self.put(Op.MATCHED)
        return Program(
            module=module,
            variables=tuple(self.declared.variables),
            code=tuple(self.code),
            texts=tuple(self.texts),
            entries={} if self.keyed else entries,
            whens=tuple(whens),
            lines=tuple(self.lines),
            ats=tuple(ats),
            key=self.declared.key,
            auto=self.declared.auto,
            agent=self.declared.agent,
            history=self.declared.history,
            attributes=tuple(self.declared.attributes),
            topics=tuple(map(defined, self.declared.topics)),
            keyed_entries=entries if self.keyed else {},
            python=text,
        )

    def _on(self, number: int, heard: int, reaction: Reaction, method: Callable[..., Any]) -> None:
        otherwise = Label()
        if reaction.values:
            self.mark(reaction.line)
            self.push(Op.ASK, 2 * number, heard)
            self.jump_popping(Op.JUMP_UNLESS, otherwise)
        self._run(number, heard, method)
        self.here(otherwise)

    def _run(self, number: int, heard: int, method: Callable[..., Any]) -> None:
        self.mark(_line_of(method))
        self.put(Op.RUN, 2 * number + 1, heard)
        self.put(Op.MATCHED)

    def _when(self, number: int, reaction: Reaction, method: Callable[..., Any]) -> When:
        names = set(_names_in(reaction.said, self.cls))
        fields = self.declared.fields
        reads = tuple(sorted(fields[name] for name in names if name in fields))
        if not reads:
            self.report.error(
                self.declared.place(reaction.line),
                "this condition reads no variable of the class, so it would never be looked at; "
                "write it as lambda my: my.light < 10",
            )
        condition = len(self.code)
        otherwise = Label()
        self.mark(reaction.line)
        self.push(Op.ASK, 2 * number, -1)
        self.jump_popping(Op.JUMP_UNLESS, otherwise)
        self.put(Op.MATCHED)
        self.here(otherwise)
        self.put(Op.UNMATCHED)
        actions = len(self.code)
        self._run(number, -1, method)
        return When(condition, actions, reads, reaction.line, self.keyed)

    def _at(
        self, number: int, reaction: Reaction, method: Callable[..., Any], known: list[At]
    ) -> Iterator[At]:
        from myocan.hub.lang.schedules import Mistake, parse_schedule

        where = Report(self.report.file)
        words, _ = tokens(str(reaction.said), 1, where)
        found = parse_schedule(words, _times(self.declared.variables))
        if isinstance(found, Mistake) or where.failed:
            told = [one.message for one in where.sorted()]
            meant = None
            if isinstance(found, Mistake):
                told, meant = [*told, found.message], found.suggestion
            self.report.error(self.declared.place(reaction.line), f"@at: {told[0]}", meant)
            return
        text = found.to_json()
        ordinal = sum(one.schedule == text for one in known)
        pc = len(self.code)
        self._run(number, -1, method)
        yield At(found.identity(ordinal), text, pc, reaction.line, self.keyed)


def _times(variables: list[Variable]) -> set[str]:
    """Return the names of the time variables that a schedule can be about."""
    from myocan.hub.core.linker import fold
    from myocan.hub.core.program import Type

    return {
        fold(one.name)
        for one in variables
        if one.type is Type.TIME and not one.keyed and one.role is not Role.TIMER
    }


def _line_of(method: Callable[..., Any]) -> int:
    """Return the line of a method's `def`, below its decorators."""
    first: int = method.__code__.co_firstlineno
    lines = [line for _start, _end, line in method.__code__.co_lines() if line]
    below = [line for line in lines if line > first]
    return max(first, min(below) - 1) if below else first


def _names_in(condition: Any, cls: type[Module]) -> Iterator[str]:
    """Yield the names that a condition reads, and those that what it calls reads."""
    seen: set[int] = set()
    waiting = [getattr(condition, "__code__", None)]
    names = getattr(condition, "__globals__", {})
    while waiting:
        code = waiting.pop()
        if not isinstance(code, CodeType) or id(code) in seen:
            continue
        seen.add(id(code))
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
        for name in code.co_names:
            yield name
            for called in (cls.__dict__.get(name), names.get(name)):
                waiting.append(getattr(getattr(called, "fget", called), "__code__", None))


__all__ = ["Diagnostic", "checked"]
