"""umqtt.simple comes through pip, is checked and kept; if it does not come, it says what to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from myocan.tools import umqtt


def test_the_client_of_micropython_is_fetched_once_and_then_kept(tmp_path: Path) -> None:
    folder = umqtt.fetch_umqtt(tmp_path)
    source = folder / "umqtt" / "simple.py"
    assert "class MQTTClient" in source.read_text()
    written = source.stat().st_mtime_ns
    assert umqtt.fetch_umqtt(tmp_path) == folder
    assert source.stat().st_mtime_ns == written
    assert [path.name for path in folder.iterdir()] == ["umqtt"], "scratch files are left behind"


def test_a_file_that_was_changed_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = umqtt.fetch_umqtt() / "umqtt" / "simple.py"
    monkeypatch.setattr(umqtt, "download", lambda scratch, wanted: copied(good, scratch))
    source = tmp_path / f"umqtt-{umqtt.VERSION}" / "umqtt" / "simple.py"
    source.parent.mkdir(parents=True)
    source.write_text("import os  # not what was asked for")
    umqtt.fetch_umqtt(tmp_path)
    assert source.read_bytes() == good.read_bytes()


def copied(source: Path, folder: Path) -> Path:
    target = folder / "simple.py"
    target.write_bytes(source.read_bytes())
    return target


def test_without_a_package_index_the_message_says_what_to_do_and_names_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(umqtt.UmqttError) as caught:
        umqtt.fetch_umqtt(tmp_path)
    said = str(caught.value)
    assert "check that this machine reaches its package index" in said
    assert str(tmp_path) in said
    assert "127.0.0.1" not in said
    assert "://" not in said


def test_an_archive_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(umqtt, "ARCHIVE_SHA256", "0" * 64)
    with pytest.raises(umqtt.UmqttError, match="not the file that is known to be good"):
        umqtt.fetch_umqtt(tmp_path)


def test_without_pip_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = tmp_path / "python"
    blank.write_text("#!/bin/sh\nexit 1\n")
    blank.chmod(0o755)
    monkeypatch.setattr(umqtt.sys, "executable", str(blank))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(umqtt.UmqttError, match="-m ensurepip"):
        umqtt.fetch_umqtt(tmp_path)
