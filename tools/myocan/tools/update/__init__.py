"""Updates of boards over the air: made, signed, sent, and seen to be tried.

release = make_release(files, topic, number=next_number(...), key=key)
with BoardTalk(address, "home", "porch") as board:
    board.update(release)
"""

from myocan.tools.update.numbers import content_of, next_number
from myocan.tools.update.release import Release, make_release
from myocan.tools.update.talk import BoardTalk, NotUpdated, Progress, Silent, UpdateError

__all__ = [
    "BoardTalk",
    "NotUpdated",
    "Progress",
    "Release",
    "Silent",
    "UpdateError",
    "content_of",
    "make_release",
    "next_number",
]
