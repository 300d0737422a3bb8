"""What a device keeps of campaigns."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime.campaign.store import CampaignStore, Kept
from winnow_schemas.campaign.version import version_key
from winnow_schemas.errors import BadInputError


def kept(version: str) -> Kept:
    return Kept(version, f"digest {version}", "{}", "test", "run-1")


def test_it_is_there_again_after_a_restart(tmp_path: Path) -> None:
    store = CampaignStore(tmp_path, 8)
    assert (store.current, store.newest, store.before) == (None, "", ())
    store.take(kept("1"))
    store.take(kept("2"))
    again = CampaignStore(tmp_path, 8)
    assert (again.current, again.newest, again.before) == (kept("2"), "2", (kept("1"), None))
    assert list(tmp_path.glob("*.part")) == []


def test_going_back_keeps_the_newest_version(tmp_path: Path) -> None:
    store = CampaignStore(tmp_path, 8)
    store.take(kept("1"))
    store.take(kept("2"))
    store.roll_back(2)
    assert (store.current, store.newest, store.before) == (None, "2", ())
    with pytest.raises(BadInputError, match="no earlier campaign"):
        store.roll_back()


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"form": 2}', b'{"form": 1, "newest": "x"}', b'{"form": 1, "a": 1}']
)
def test_damage_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kept.json").write_bytes(content)
    store = CampaignStore(tmp_path, 8)
    assert "is damaged" in store.trouble
    assert store.current is None
    store.take(kept("3"))
    assert CampaignStore(tmp_path, 8).current == kept("3")


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["1", "1.5", "2", "10", "back"]), max_size=12), st.integers(1, 3))
def test_the_newest_version_never_becomes_smaller(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], history: int
) -> None:
    store = CampaignStore(tmp_path_factory.mktemp("store"), history)
    for step in steps:
        newest = store.newest
        if step == "back":
            if store.before:
                store.roll_back()
        else:
            store.take(kept(step))
        assert not newest or version_key(store.newest) >= version_key(newest)
        assert len(store.before) <= history
