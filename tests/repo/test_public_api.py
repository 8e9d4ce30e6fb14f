"""What each package offers, written down again: a change is a decision, not an accident.

Who adds or removes a name changes `__all__` and this table, and says so in CHANGELOG.md.
"""

from __future__ import annotations

import importlib
import inspect

import pytest

OFFERED = {
    "myocan.wire": """
        Fixed Inbox Outbox WINDOW WIRE_VERSION WireError board_topic data_topic decode_ack
        decode_base decode_data decode_log decode_propose decode_status decode_up
        decode_value decode_verdict encode_ack encode_base encode_data encode_log
        encode_propose encode_status encode_up encode_value encode_verdict envelope
        hub_topic parse_topic sender_of up_topic
    """,
    "myocan.edge": """
        ConfigError EdgeError PinError Refused
    """,
    "myocan.hub": """
        Call Event Map Module State StateModel Timer about at calls each event external field
        hears on publishes state timer when
    """,
    "myocan.hub.models": """
        AsyncContext Changed CommitRejected Context Device LockOrder ModelError Services
        StaleCheckout State StateError StateModel Subscriber Subscription field state
    """,
    "myocan.hub.lang": """
        COMPILER_VERSION Compiled Diagnostic Topic check check_house compile_module
        file_name format_module
    """,
    "myocan.hub.core": """
        At Attribute AttributeKind COMPILED ClockPart Core Failure MAX_CONSEQUENCES MAX_DEPTH Op
        Program Role Shelf Tag TopicDefinition Type Variable When
    """,
    "myocan.hub.history": """
        Apart Deployed Difference Link Parting Past Replay Replayed Step Unanswerable compare_modes
        deployment_of deployments explain find instead replay sources_as_of why_not
    """,
    "myocan.hub.scenario": """
        Cast Failure Job Outcome Rule Scenario Scenarios Trace World format_scenarios
        read_scenarios rules_of run_scenario run_scenarios
    """,
    "myocan.hub.store": """
        Checkpoint Compacted DiskFailed DiskFull Entries Entry Faults Gap Imported ImportedMode
        Kept LogRow Message ModeCopy ModeSummary ModeVerified Position Present Reader Recovered
        Reserve
        Start Store StoreDamaged StoreError StoreLocked StoreTooNew StoreTooOld Summary Syncer
        TopicSummary Trimmed Trimmer Verified compact export_store import_store summarize verify
    """,
    "myocan.hub.bus": """
        Account Address AmqttBroker Broker BrokerError Bus BusError BusRefused CONNECTED
        Certificates DISCONNECTED Frame MosquittoBroker Outgoing OwnBroker REFUSED parse_url
        pick_broker
    """,
    "myocan.hub.agent": """
        Agent CODE DeploymentRefused
    """,
    "myocan.hub.house": """
        FILE_NAME House HouseError module_files
    """,
    "myocan.hub.settings": """
        Agent Boards Broker Clock Externals Location Metrics Publish Settings Store Wifi
        check_broker_url check_level check_zone
    """,
    "myocan.tools.adapters": """
        AdapterError AdapterFile Ethernet PORT_KINDS Problem Publication Subscription Wifi
        config_hash load_adapter load_code load_ports parse_adapter
    """,
    "myocan.tools.flash": """
        Admission BoardError BoardSecrets BoardWatch Flashed Found Mpremote NoAnswer Progress
        SecretsError SerialPort StageError board_broker board_secrets check_account check_board
        check_networks console_lines find_port flash forget_secrets known_secrets look
        password_in_url reset_board serial_ports stage tell_hub wipe_board
    """,
    "myocan.tools.vboard": """
        AttachedPart Change NoMicroPython PinState VirtualBoard VirtualBoardError micropython_path
    """,
    "myocan.tools.hil": """
        BenchBoard BenchBroker BenchError Event Heard Listener NoBroker NotThisBoard Plan Row Spread
        Table VIRTUAL run_hil
    """,
    "myocan.tools.chaos": """
        Outcome Strike draw_kills draw_plan run_chaos
    """,
    "myocan.tools.demo": """
        Summary show
    """,
    "myocan.tools.cli": """
        app main
    """,
}
"""Package -> its public names."""


@pytest.mark.parametrize("package", OFFERED)
def test_a_package_offers_exactly_what_is_written_down(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(OFFERED[package].split())


@pytest.mark.parametrize("package", OFFERED)
def test_all_that_is_offered_is_there_and_explained(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        offered = getattr(module, name)
        if inspect.isclass(offered) or inspect.isfunction(offered):
            assert inspect.getdoc(offered), f"{package}.{name} has no docstring"
