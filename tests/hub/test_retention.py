"""How long a topic is kept: what can be written, and who is right when several name it."""

from __future__ import annotations

import pytest

from myocan.hub.lang import compile_module
from myocan.hub.retention import FOREVER, Retention, check_pattern, parse_keep

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "age_ms", "size"),
    [
        ("forever", None, None),
        ("Forever", None, None),
        ("1 hour", 3_600_000, None),
        ("30 days", 30 * DAY_MS, None),
        ("2 weeks", 14 * DAY_MS, None),
        ("1 month", 30 * DAY_MS, None),
        ("5 years", 5 * 365 * DAY_MS, None),
        ("10 MB", None, 10 << 20),
        ("3 kb", None, 3 << 10),
        (" 1 GB ", None, 1 << 30),
    ],
)
def test_what_can_be_written(text: str, age_ms: int | None, size: int | None) -> None:
    keep = parse_keep(text)
    assert (keep.age_ms, keep.size) == (age_ms, size)


@pytest.mark.parametrize(
    "text",
    ["", "30", "days", "0 days", "-1 day", "1.5 days", "30 minutes", "10 TB", "10MB", "9" * 9],
)
def test_what_cannot(text: str) -> None:
    with pytest.raises(ValueError, match="takes a time, a size or forever"):
        parse_keep(text)


@pytest.mark.parametrize(
    "text", ["camera", "", "a b.c", "camera.", "a/b.c", "ä.b", "x." + "y" * 200]
)
def test_a_name_is_that_of_topics(text: str) -> None:
    with pytest.raises(ValueError, match="names no topic"):
        check_pattern(text)


def test_who_names_a_topic_most_exactly_is_right() -> None:
    source = "MODULE gate\n TOPIC camera.image KEEP 1 day\n TOPIC camera.sound KEEP 2 days\n"
    program = compile_module(source, "gate").program
    assert program is not None
    settings = {
        "camera.sound": "1 hour",
        "*.state": "3 days",
        "camera.*": "4 days",
        "cam*.i*": "5 days",
        "default": "1 year",
    }
    retention = Retention(settings, [program])
    assert not retention.is_endless
    for name, text in [
        ("camera.sound", "1 hour"),
        ("camera.image", "1 day"),
        ("camera.state", "4 days"),
        ("Camera.State", "4 days"),
        ("lamp1.state", "3 days"),
        ("hall.noise", "1 year"),
        ("lamp1.%%at%%", "1 year"),
        ("camera.$instances", "1 year"),
    ]:
        assert retention.of(*name.split(".")).text == text
    for name in ["lamp1.%%code%%", "$admin.mode", "$external.notify"]:
        assert retention.of(*name.split(".")) == FOREVER


def test_without_a_word_everything_is_kept() -> None:
    assert Retention({}).is_endless
    assert Retention({"default": "forever", "a.b": "forever"}).is_endless
    assert Retention({}) == Retention({})
    assert Retention({}) != Retention({"a.b": "1 day"})
