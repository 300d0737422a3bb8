import shutil
import subprocess

import pytest

from winnow_operators.graphs.manifest import parse_manifest
from winnow_operators.graphs.model import Role
from winnow_schemas.yaml_source import FileProblemsError, load_text

MANIFEST = """\
apiVersion: 1
name: winnow-ring
namespace: winnow
description: The hot tier in shared memory
categories: [recorder]
keywords: [winnow, "winnow-role:ring"]
runtime: python
entrypoint: winnow-ring
inputs:
  control: {type: winnow/stream/v1/Control, required: true, description: What the source says}
outputs:
  credit: {type: winnow/stream/v1/Credit}
env:
  WINNOW_SETTINGS: {type: string, description: The settings file}
types:
  winnow/stream/v1/Control:
    arrow: Struct
    fields: [{name: kind, type: Utf8}]
  winnow/stream/v1/Credit:
    arrow: Struct
    fields: [{name: source, type: Utf8}]
"""


def test_reads_what_a_node_promises():
    manifest = parse_manifest(load_text(MANIFEST, "dora-node.yml"))
    assert manifest.role is Role.RING
    assert (manifest.name, manifest.entrypoint) == ("winnow-ring", "winnow-ring")
    (control,) = manifest.inputs
    assert (control.id, control.type, control.required) == ("control", "winnow/stream/v1/Control", True)
    assert [(port.id, port.required) for port in manifest.outputs] == [("credit", False)]
    assert manifest.env == (("WINNOW_SETTINGS", "The settings file"),)


@pytest.mark.skipif(shutil.which("dora") is None, reason="the dora program is not on PATH")
def test_dora_accepts_the_same_manifest(tmp_path):
    path = tmp_path / "dora-node.yml"
    path.write_text(MANIFEST)
    done = subprocess.run(
        ["dora", "validate", "--node-manifest", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("apiVersion: 1", "apiVersion: 2", "dora-node.yml:1:1: apiVersion: '2' is not allowed"),
        ("namespace: winnow\n", "", "a node manifest needs 'namespace'"),
        ("winnow-role:ring", "winnow-role:king", "allowed: winnow-role:source, winnow-role:ring"),
        ("runtime: python", "runtime: python\nrole: ring", "no such field of a node manifest"),
    ],
)
def test_what_is_wrong_is_named(old, new, part):
    with pytest.raises(FileProblemsError, match="the manifest was not used") as caught:
        parse_manifest(load_text(MANIFEST.replace(old, new), "dora-node.yml"))
    assert part in str(caught.value)


def test_what_is_no_manifest_is_refused():
    with pytest.raises(FileProblemsError, match="this is no node manifest"):
        parse_manifest(load_text("[]", "dora-node.yml"))
