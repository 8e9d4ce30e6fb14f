"""Outcomes of scenarios as JUnit XML, which machines that build and test read.

The one idea to know: a file of scenarios is a `testsuite`, a scenario a `testcase`, and a file
with mistakes has one more `testcase`, in error, so that it is not taken for passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from myocan.tools.errors import ToolsError

if TYPE_CHECKING:
    from myocan.hub.scenario import Outcome
    from myocan.tools.house_check import Finding


def write_junit(file: Path, outcomes: Sequence[Outcome], mistakes: Sequence[Finding]) -> None:
    """Write what came of scenarios into a file.

    mistakes: errors in scenarios and modules. Raises ToolsError if the file cannot be written.
    """
    root = ElementTree.Element("testsuites", name="myocan test")
    names = [*(outcome.file for outcome in outcomes), *(finding.file for finding in mistakes)]
    for name in dict.fromkeys(names):
        ran = [outcome for outcome in outcomes if outcome.file == name]
        wrong = [finding for finding in mistakes if finding.file == name]
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        for outcome in ran:
            _case(suite, outcome)
        if wrong:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name="is understood")
            error = ElementTree.SubElement(case, "error", message=_printable(wrong[0].message))
            error.text = _printable("\n".join(finding.shown for finding in wrong))
        failures = sum(not outcome.passed for outcome in ran)
        _count(suite, len(ran) + bool(wrong), failures, int(bool(wrong)), ran)
    failures = sum(not outcome.passed for outcome in outcomes)
    files = len({finding.file for finding in mistakes})
    _count(root, len(outcomes) + files, failures, files, outcomes)
    ElementTree.indent(root)
    try:
        ElementTree.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ToolsError(f"{file} cannot be written: {error.strerror}") from error


def _case(suite: ElementTree.Element, outcome: Outcome) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=outcome.file,
        name=_printable(outcome.title),
        file=outcome.file,
        line=str(outcome.line),
        time=f"{outcome.seconds:.6f}",
    )
    if outcome.failure is not None:
        failed = ElementTree.SubElement(
            case, "failure", message=_printable(outcome.failure.headline)
        )
        failed.text = _printable("\n".join(outcome.failure.told(outcome.file)))


def _count(
    element: ElementTree.Element, tests: int, failures: int, errors: int, ran: Sequence[Outcome]
) -> None:
    element.set("tests", str(tests))
    element.set("failures", str(failures))
    element.set("errors", str(errors))
    element.set("time", f"{sum(outcome.seconds for outcome in ran):.6f}")


def _printable(text: str) -> str:
    """Return a text without what XML cannot carry."""
    unknown = "\N{REPLACEMENT CHARACTER}"
    return "".join(c if c in "\t\n" or c.isprintable() else unknown for c in text)
