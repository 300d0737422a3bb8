"""Which peers are there: only programs that start."""

import pytest

from winnow_tools.bench.upload_peers import installed


@pytest.fixture
def path(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def put(name, script):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return put


def test_a_peer_is_named_with_its_version(path, tmp_path):
    path("aws", "echo aws-cli/1.46.2 Python/3.11.7")
    path("s3cmd", "echo s3cmd version 2.4.0")
    assert [(peer.name, peer.version, peer.resumes) for peer in installed(tmp_path)] == [
        ("awscli", "1.46.2", False),
        ("s3cmd", "2.4.0", True),
    ]


@pytest.mark.parametrize("script", ["echo 'aws: command not found' >&2; exit 127", "echo hello"])
def test_what_does_not_start_is_no_peer(path, tmp_path, script):
    path("aws", script)
    path("s3cmd", script)
    assert installed(tmp_path) == []
