"""What a board runs after boot.py: its adapter, for ever. The configuration is in /config.json."""

from myocan.edge.board import run

run()
