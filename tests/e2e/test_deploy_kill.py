"""The hub is killed amid deployments: the old house runs or the new one, and no press is lost.

Two modules say in each version by how much they count, so a house of two versions would show.
"""

from __future__ import annotations

import contextlib
import json
import random
import threading
from pathlib import Path

from myocan.hub.agent.deployment import ModuleFiles, fingerprint
from myocan.hub.control import ControlError, NoAnswer, ask
from myocan.hub.history import deployments, replay, sources_as_of
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.store import Reader
from support.board import Board
from support.hub_process import HubProcess
from support.mosquitto import Mosquitto

KILLS = 4

MODULE = """MODULE {name}
SUBSCRIBE {hears}
PUBLIC version {{0-1000}}
PRIVATE count 0
ON {hears}
  THEN count++
  THEN version = {version}
"""


def write(house: Path, version: int) -> None:
    for name, hears in (("first", "button1.press"), ("second", "first.version")):
        text = MODULE.format(name=name, hears=hears, version=version)
        (house / "modules" / f"{name}.scc").write_text(text)


def ask_for_deployment(house: Path) -> None:
    """Deploy, as far as the hub lives to see it."""
    opened = House.load(house)
    sources = ModuleFiles(opened.modules(), opened.agent.name).sources()
    with contextlib.suppress(ControlError, NoAnswer):
        begun = ask(opened, "deploy", hash=fingerprint(sources), who="anna")
        while not ask(opened, "deploy outcome", deployment=begun["deployment"])["done"]:
            pass


def test_kill_9_amid_deployments_leaves_the_old_house_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(7)
    house = tmp_path / "house"
    (house / "modules").mkdir(parents=True)
    (house / "myocan.toml").write_text("")
    write(house, 1)
    sent = 0
    with Mosquitto(tmp_path / "broker", config="set_tcp_nodelay true") as broker:
        hub = HubProcess(house, "--broker", broker.url)
        with Board(broker.url, "home", "porch") as board:
            hub.start()
            for version in range(2, 2 + KILLS):
                write(house, version)
                asking = threading.Thread(target=ask_for_deployment, args=(house,))
                asking.start()
                for _ in range(chance.randrange(20, 60)):
                    board.send("button1/press")
                    sent += 1
                threading.Event().wait(chance.uniform(0, 0.15))
                hub.kill()
                asking.join()
                hub.start()
            board.await_acknowledged(60)
            assert hub.stop() == 0
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        assert reader.value("live", "first", "count") == str(sent)
        for one in deployments(reader):
            assert set(one.modules) == {"first", "second"}
            assert one.end == one.offset + 2
            texts = sources_as_of(reader, "live", one.end).values()
            assert len({text.rsplit("= ", 1)[1] for text in texts}) == 1
        for message in reader.messages("live", module="second", variable="version"):
            cause = next(reader.messages("live", after=(message.cause or 0) - 1))
            assert json.loads(cause.value) == json.loads(message.value)
        found = replay(reader.entries(), lambda name, text: compile_module(text, name).program)
    assert found.differences == []
