"""What the package offers; a change here is a change of its interface."""

import myocan.hub.store


def test_the_public_names_are_these() -> None:
    assert myocan.hub.store.__all__ == [
        "Checkpoint",
        "DiskFailed",
        "DiskFull",
        "Faults",
        "LogRow",
        "Message",
        "Position",
        "Reader",
        "Recovered",
        "Store",
        "StoreDamaged",
        "StoreError",
        "StoreLocked",
        "StoreTooNew",
        "Syncer",
    ]
