"""A full disk stops the hub's acting, not its honesty: nothing half-written, and on it goes.

The limit is the kernel's: RLIMIT_FSIZE makes a write fail that would take a file beyond a size.
Where this may mount one, a file system of one megabyte fills up as well.
"""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from myocan.hub.store import Checkpoint, DiskFull, LogRow, Store

Message = Callable[..., LogRow]
BIG = '"' + "x" * 4000 + '"'


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """What is in the block cannot write a byte beyond `size` into any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill_up(store: Store, message: Message) -> int:
    """Append batches until no more fit; the offset that was refused."""
    for first in range(1, 10_000, 2):
        rows = [message(store, first, BIG, f"[1,{first}]"), message(store, first + 1, BIG)]
        try:
            store.append("live", rows, [("porch", 7, first, 0)], first)
        except DiskFull:
            return first
    raise AssertionError("the disk never filled up")


def goes_on(store: Store, message: Message, refused: int) -> None:
    """Check that nothing of the refused batch is there, and that the next is taken."""
    recovered = store.recover("live")
    assert recovered.offset == refused - 1 == store.next_offset("live") - 1
    assert recovered.state == {1: f"{refused - 2}"}
    assert recovered.positions == [("porch", 7, refused - 2, 0)]
    assert recovered.released == refused - 2
    assert len(list(store.rows("live"))) == refused - 1


def step_all(checkpoint: Checkpoint) -> None:
    """Finish a checkpoint."""
    while checkpoint.step():
        pass


def test_a_batch_that_does_not_fit_leaves_the_store_as_it_was(
    place: Path, message: Message
) -> None:
    with Store.open(place) as store:
        store.begin_incarnation()
        with no_file_larger_than(302_000):
            refused = fill_up(store, message)
            goes_on(store, message, refused)
            with pytest.raises(DiskFull):
                store.append("live", [message(store, refused, BIG)])
            with pytest.raises(DiskFull):
                store.append("new mode", [message(store, 1, BIG)])
            goes_on(store, message, refused)
        new = store.name_id("lamp1", "named when the disk was full")
        row = (refused, 0, new, "1", store.producer_id("p"), None, None, None, f"[1,{refused}]")
        store.append("live", [row])
        store.append("new mode", [message(store, 1)])
    with Store.open(place) as store:
        assert store.recover("live").state == {1: f"{refused}"}
        assert store.names()[new] == ("lamp1", "named when the disk was full", "")
        assert store.modes() == ["live", "new mode"]


def test_a_checkpoint_that_does_not_fit_can_be_stepped_again(place: Path, message: Message) -> None:
    values = dict.fromkeys(range(1, 2000), BIG)
    with Store.open(place) as store:
        changes = ",".join(f"{name},{value}" for name, value in values.items())
        store.append("live", [message(store, 1, changes=f"[{changes}]")])
        checkpoint = store.start_checkpoint("live", 1, values)
        size = os.path.getsize(f"{place}-wal")
        with no_file_larger_than(size + 2_000_000):
            assert checkpoint.step()
            with pytest.raises(DiskFull, match="free some space"):
                step_all(checkpoint)
            assert not checkpoint.finished
            assert store.recover("live").checkpoint == 0
        step_all(checkpoint)
        assert store.recover("live").checkpoint == 1
        assert store.recover("live").state == values


def test_a_store_that_cannot_be_made_for_want_of_room_can_be_made_later(place: Path) -> None:
    with no_file_larger_than(2000), pytest.raises(DiskFull):
        Store.open(place)
    with Store.open(place) as store:
        assert store.begin_incarnation() == 1


def test_a_file_system_that_is_full_and_then_is_not(tmp_path: Path, message: Message) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "myocan", str(tmp_path)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("may not mount here")
    try:
        ballast = tmp_path / "ballast"
        ballast.write_bytes(b"x" * 200_000)
        with Store.open(tmp_path / "store.sqlite") as store:
            refused = fill_up(store, message)
            goes_on(store, message, refused)
            ballast.unlink()
            store.append("live", [message(store, refused, BIG, f"[1,{refused}]")])
            assert store.recover("live").state == {1: f"{refused}"}
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
