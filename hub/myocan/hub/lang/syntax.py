"""Makes a statement of the tokens of a line.

The one idea: the LALR parser is fed token by token, so its state says whether a word is a keyword
here, and what it would have taken when a line goes wrong. This is the only module that needs lark;
it is imported when the first text is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from lark import Lark, Transformer
from lark import Token as Fed
from lark.exceptions import UnexpectedInput
from lark.lexer import Lexer

from myocan.hub.lang import tree
from myocan.hub.lang.advice import explain
from myocan.hub.lang.diagnostics import Report, Span
from myocan.hub.lang.lexer import Token, minutes
from myocan.hub.lang.words import KEYWORDS, shout

MAX_TOKENS: Final = 1000
"""Most words and signs in a line."""

MAX_DEPTH: Final = 64
"""Most levels of an expression (parentheses, and operations that wait for one another)."""

MAX_UNITS: Final = 2**63 - 1
"""Largest number without its point; what the wire carries."""

_OPERAND: Final = frozenset(("WORD", "NUMBER", "TEXT", "CLOCK", "LPAR", "MINUS"))


class _Refused(Exception):
    """A statement that is grammatical but beyond a limit."""

    def __init__(self, span: Span, message: str) -> None:
        self.span = span
        self.message = message
        super().__init__(message)


class _NoText(Lexer):
    """Stands where lark wants a lexer; tokens are fed by hand."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, *_: Any) -> Iterator[Fed]:
        return iter(())


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("rules.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_NoText, transformer=_Builder())


def parse(line: Sequence[Token], report: Report) -> tree.Statement | None:
    """Make a statement of a line's tokens, or report why there is none and return None.

    Arguments:
        line: at least one token; the first opens a statement.
        report: takes what is wrong.
    """
    if len(line) > MAX_TOKENS:
        span = line[MAX_TOKENS].span
        report.error(span, f"this line is too long; it has more than {MAX_TOKENS} words and signs")
        return None
    if shout(line[0].text) == "AT":
        return tree.At(line[0].span, "AT", tuple(line[1:]))
    parser: Any = _parser().parse_interactive()
    index = 0
    try:
        for index in range(len(line)):
            _feed(parser, line, index)
        index = len(line)
        statement: tree.Statement = parser.feed_eof()
        return statement
    except UnexpectedInput:
        report.error(*explain(line, index, _expected(line, index)))
    except _Refused as refused:
        report.error(refused.span, refused.message)
    return None


def terminals(line: Sequence[Token]) -> list[str]:
    """Return the terminal of the grammar that each token of a line is.

    Arguments:
        line: tokens of which `parse` makes a statement.
    """
    if shout(line[0].text) == "AT":
        return ["AT", *(token.kind for token in line[1:])]
    parser: Any = _parser().parse_interactive()
    return [_feed(parser, line, index) for index in range(len(line))]


def _feed(parser: Any, line: Sequence[Token], index: int) -> str:
    """Hand the next token to the parser; return the terminal that it is."""
    token = line[index]
    following = line[index + 1] if index + 1 < len(line) else None
    terminal = _terminal(token, following, parser.choices())
    fed = Fed(terminal, token.text)
    fed.value = token  # a string by its own kind, else ours would be written out as one
    parser.feed_token(fed)
    return terminal


def _expected(line: Sequence[Token], index: int) -> set[str]:
    """Return the terminals that fit behind the first `index` tokens of a line.

    A parser that has refused a token cannot be asked any more: it has gone some way to take it.
    """
    parser: Any = _parser().parse_interactive()
    for place in range(index):
        _feed(parser, line, place)
    fitting: set[str] = parser.accepts()
    return fitting


def _terminal(token: Token, following: Token | None, choices: Iterable[str]) -> str:
    """Return the terminal that a token is in this state of the parser."""
    if token.kind != "WORD":
        return token.kind
    keyword = shout(token.text)
    if keyword not in KEYWORDS or keyword not in choices:
        return "WORD"
    # `flag = NOT other` against a member called "not": an operator has something behind it.
    if keyword == "NOT" and not (
        following is not None
        and following.kind in _OPERAND
        and shout(following.text) not in ("AND", "OR")
    ):
        return "WORD"
    return keyword


def _span(first: Token | tree.Expression, last: Token | tree.Expression) -> Span:
    return first.span.to(last.span)


def _depth(place: Span, *operands: tree.Expression) -> int:
    depth = 1 + max((operand.depth for operand in operands), default=0)
    if depth > MAX_DEPTH:
        raise _Refused(
            place, f"this is nested too deeply (more than {MAX_DEPTH} levels); split it up"
        )
    return depth


def _number(token: Token, negative: bool = False) -> tuple[int, int]:
    whole, _, fraction = token.text.partition(".")
    if len(fraction) > 9:
        raise _Refused(token.span, "a number has at most 9 digits behind its point")
    # Length first: converting a very long number would take very long.
    if len(whole.lstrip("0")) > 19 or int(whole + fraction) > MAX_UNITS:
        raise _Refused(token.span, "this number is too large; it may have 18 digits in all")
    units = int(whole + fraction)
    return (-units if negative else units), len(fraction)


def _part(children: list[Any]) -> tree.Part:
    word, bracket = value(children[0]), children[1]
    if word.kind == "NUMBER":
        _number(word)  # for its limits
    if bracket is None:
        return tree.Part(word.span, word.text)
    key, close = bracket
    return tree.Part(_span(word, close), word.text, key)


def value(child: Any) -> Any:
    """Return our own token of what lark hands over."""
    return child.value if isinstance(child, Fed) else child


class _Builder(Transformer[Any, Any]):
    """Makes nodes of the tree as the parser recognises them."""

    def module(self, children: list[Any]) -> tree.Module:
        first, name, *options = (value(child) for child in children)
        return tree.Module(first.span, name, tuple(options))

    def option(self, children: list[Any]) -> tree.Option:
        word = value(children[0])
        return tree.Option(word.span, shout(word.text), *children[1:])

    def agent(self, children: list[Any]) -> str:
        return "".join(value(child).text for child in children)

    def declaration(self, children: list[Any]) -> tree.Declaration:
        role, name, kind, initial, local = children
        span, word = role
        return tree.Declaration(span, word, name, kind, initial, local)

    def timer(self, children: list[Any]) -> tree.Declaration:
        first, name, duration = (value(child) for child in children)
        return tree.Declaration(first.span, "TIMER", name, duration)

    def duration(self, children: list[Any]) -> tree.Duration:
        pieces = [value(child) for child in children]
        terms = tuple(
            (tree.NumberLiteral(number.span, 1, *_number(number)), tree.Part(unit.span, unit.text))
            for number, unit in zip(pieces[::2], pieces[1::2], strict=True)
        )
        return tree.Duration(_span(pieces[0], pieces[-1]), terms)

    def topic(self, children: list[Any]) -> tree.Topic:
        first, name, kind, keep = (value(child) for child in children)
        return tree.Topic(first.span, name, kind, keep)

    def keep(self, children: list[Any]) -> tree.Keep:
        first, number, unit = (value(child) for child in children)
        counted = None if number is None else tree.NumberLiteral(number.span, 1, *_number(number))
        return tree.Keep(_span(first, unit), counted, unit.text)

    def external(self, children: list[Any]) -> tree.External:
        first, name = (value(child) for child in children)
        return tree.External(first.span, tree.Part(name.span, name.text))

    def role(self, children: list[Any]) -> tuple[Span, str]:
        token = value(children[0])
        word = shout(token.text)
        return token.span, {"SUBSCRIPTION": "SUBSCRIBE", "PUBLISH": "PUBLIC"}.get(word, word)

    def braces(self, children: list[Any]) -> tree.Braces:
        items = tuple(child for child in children if isinstance(child, tree.Expression))
        return tree.Braces(_span(value(children[0]), value(children[-1])), items)  # type: ignore[arg-type]

    def bounds(self, children: list[Any]) -> tree.Bounds:
        opening, lower, _, upper, closing = (value(child) for child in children)
        return tree.Bounds(_span(opening, closing), lower, upper)

    def initial(self, children: list[Any]) -> Any:
        return children[1]

    def local(self, children: list[Any]) -> tree.Part:
        word = value(children[1])
        return tree.Part(word.span, word.text)

    def signed(self, children: list[Any]) -> tree.NumberLiteral:
        token = value(children[-1])
        span = _span(value(children[0]), token)
        return tree.NumberLiteral(span, 1, *_number(token, negative=len(children) == 2))

    def number(self, children: list[Any]) -> tree.NumberLiteral:
        return self.signed(children)

    def text(self, children: list[Any]) -> tree.TextLiteral:
        token = value(children[0])
        return tree.TextLiteral(token.span, 1, token.text[1:-1])

    def clock(self, children: list[Any]) -> tree.ClockLiteral:
        token = value(children[0])
        return tree.ClockLiteral(token.span, 1, minutes(token.text) or 0)

    def word(self, children: list[Any]) -> tree.Name:
        token = value(children[0])
        return tree.Name(token.span, 1, (tree.Part(token.span, token.text),))

    def opening(self, children: list[Any]) -> tree.Opening:
        word = value(children[0])
        return tree.Opening(word.span, shout(word.text), children[1])

    def guard(self, children: list[Any]) -> tree.Guard:
        word = value(children[0])
        return tree.Guard(word.span, shout(word.text), children[1])

    def action(self, children: list[Any]) -> tree.Action:
        then, target, *rest = (value(child) for child in children)
        operator = rest[0].kind if rest else ""
        return tree.Action(then.span, target, operator, rest[1] if len(rest) > 1 else None)

    def _chain(self, children: list[Any]) -> tree.Chain:
        terms = tuple(children[::2])
        span = _span(terms[0], terms[-1])
        places = tuple(value(child).span for child in children[1::2])
        operator = shout(value(children[1]).text)
        return tree.Chain(span, _depth(span, *terms), operator, places, terms)

    expression = conjunction = _chain

    def _binary(self, children: list[Any]) -> tree.Expression:
        left: tree.Expression = children[0]
        for operator, right in zip(children[1::2], children[2::2], strict=True):
            token = value(operator)
            span = _span(left, right)
            depth = _depth(span, left, right)
            left = tree.Binary(span, depth, token.kind, token.span, left, right)
        return left

    comparison = sum = product = _binary

    def _unary(self, children: list[Any]) -> tree.Unary:
        token, operand = value(children[0]), children[1]
        span = _span(token, operand)
        kind = "MINUS" if token.kind == "MINUS" else "NOT"
        return tree.Unary(span, _depth(span, operand), kind, operand)

    negation = factor = _unary

    def group(self, children: list[Any]) -> tree.Expression:
        inner: tree.Expression = children[1]
        return inner

    def call(self, children: list[Any]) -> tree.Call:
        name = children[0]
        arguments = tuple(c for c in children[1:] if isinstance(c, tree.Expression))
        span = _span(name, value(children[-1]))
        return tree.Call(span, _depth(span, *arguments), name, arguments)

    def name(self, children: list[Any]) -> tree.Name:
        parts = tuple(child for child in children if isinstance(child, tree.Part))
        if children[-1] is None:
            return tree.Name(parts[0].span.to(parts[-1].span), 1, parts)
        word, member = children[-1]
        last = member or word
        return tree.Name(parts[0].span.to(last.span), 1, parts, word.text, member)

    def attribute(self, children: list[Any]) -> tuple[Token, tree.Part | None]:
        return value(children[1]), children[-1]

    def key(self, children: list[Any]) -> tuple[tree.Key, Token]:
        _, *pieces, close = (value(child) for child in children)
        text = "".join(piece.text for piece in pieces)
        literal = pieces[0].kind != "WORD"
        key = tree.Key(_span(pieces[0], pieces[-1]), text.strip('"'), literal)
        return key, close

    def first(self, children: list[Any]) -> tree.Part:
        return _part(children)

    def part(self, children: list[Any]) -> tree.Part:
        return _part(children)
