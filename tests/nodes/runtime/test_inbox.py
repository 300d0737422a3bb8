"""Inbox and journal together: whatever the edge drops, doubles or delays, each record once and in order."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_runtime import journal
from winnow_runtime.inbox import Inbox
from winnow_runtime.journal import JournalWriter
from winnow_runtime.node import Node
from winnow_runtime.seam import Input
from winnow_schemas.messages import Watermark

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "maker", "outputs": ["marks"], "output_types": {}},
        {"id": "user", "outputs": ["health", "decisions"], "inputs": {"marks": "maker/marks"}},
        {"id": "other", "inputs": {"marks": "maker/marks"}},
    ]
}


def mark(number: int) -> Watermark:
    return Watermark(watermark_ns=number, events=number)


class Edge:
    """A producer whose messages may get lost on the way, and who may die."""

    def __init__(self, folder: Path, run: str = "run") -> None:
        self.folder = folder
        self.writer = JournalWriter(folder / "maker" / "marks", run)
        self.made = 0
        self.flying: list[Input] = []

    def make(self) -> None:
        self.made += 1
        number = self.writer.append(f"id{self.made}", json.loads(mark(self.made).to_json()))
        assert number is not None
        self.flying.append(Input("marks", mark(self.made).to_arrow(), {"n": number}))


steps = st.lists(
    st.sampled_from(["make", "make", "deliver", "lose", "double", "take", "look", "crash", "producer crash"]),
    max_size=80,
)


@settings(max_examples=200, deadline=None)
@given(steps=steps)
def test_each_record_once_and_in_order(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    folder = tmp_path_factory.mktemp("inbox")
    patch = pytest.MonkeyPatch()
    patch.setattr(journal, "SEGMENT_BYTES", 300)
    try:
        edge = Edge(folder)
        inbox = Inbox(Watermark, folder, "maker", "marks", 0)
        got: list[int] = []
        saved = 0
        for step in steps:
            if step == "make":
                edge.make()
            elif step == "lose" and edge.flying:
                edge.flying.pop(0)
            elif step in ("deliver", "double") and edge.flying:
                inbox.offer(edge.flying[0])
                if step == "deliver":
                    edge.flying.pop(0)
            elif step in ("take", "look"):
                for record in inbox.take(look=step == "look"):
                    got.append(record.watermark_ns)
                    saved = inbox.position
                if step == "look":
                    assert got == list(range(1, edge.made + 1))
            elif step == "crash":
                edge.flying.clear()
                inbox = Inbox(Watermark, folder, "maker", "marks", saved)
            elif step == "producer crash":
                made = edge.made
                edge = Edge(folder)
                edge.made = made
        got += [record.watermark_ns for record in inbox.take(look=True)]
        assert got == list(range(1, edge.made + 1))
        edge.writer.end()
        assert list(inbox.take(look=True)) == []
        assert inbox.ended("run")
    finally:
        patch.undo()


def test_records_of_an_earlier_run_are_taken_apart_from_this_ones(tmp_path: Path) -> None:
    edge = Edge(tmp_path, "one")
    for _ in range(3):
        edge.make()
    for run in ("two", "three"):
        edge.writer = JournalWriter(tmp_path / "maker" / "marks", run)
        edge.make()
        edge.make()
    inbox = Inbox(Watermark, tmp_path, "maker", "marks", 1)
    inbox.offer(edge.flying[-1])
    taken = {}
    for _ in range(3):
        run = inbox.next_run()
        taken[run] = [record.watermark_ns for record in inbox.take_of(run)]
    assert taken == {"one": [2, 3], "two": [4, 5], "three": [6, 7]}
    assert inbox.next_run() == ""
    assert inbox.position == 7
    edge.make()
    inbox.offer(edge.flying[-1])
    assert [record.watermark_ns for record in inbox.take()] == [8]


def test_a_record_of_another_version_costs_no_other(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "maker" / "marks", "run")
    writer.append("old", {"watermark": 1})
    writer.append("new", json.loads(mark(2).to_json()))
    inbox = Inbox(Watermark, tmp_path, "maker", "marks", 0)
    assert [record.watermark_ns for record in inbox.take(look=True)] == [2]
    assert inbox.position == 2
    assert inbox.refused == 1


def test_a_message_of_the_wrong_type_is_refused_and_counted(tmp_path: Path) -> None:
    inbox = Inbox(Watermark, tmp_path, "stranger", "marks", 0)
    inbox.offer(Input("marks", pa.array([1, 2]), {}))
    inbox.offer(Input("marks", pa.array([{"other": 1}]), {}))
    inbox.offer(Input("marks", mark(7).to_arrow(), {}))
    inbox.offer(Input("marks", mark(8).to_arrow(), {"n": "a text"}))
    assert [record.watermark_ns for record in inbox.take()] == [7, 8]
    assert (inbox.refused, inbox.unjournaled) == (2, 2)


def test_what_the_producer_promised_is_fetched_from_the_journal(tmp_path: Path) -> None:
    edge = Edge(tmp_path)
    inbox = Inbox(Watermark, tmp_path, "maker", "marks", 0)
    assert list(inbox.take()) == []
    edge.make()
    assert list(inbox.take()) == []  # its message is still under way
    inbox.expect(1)
    assert [record.watermark_ns for record in inbox.take()] == [1]


class TestAJournalsConsumers:
    """Files go only when the checkpoints of all consumers say so."""

    @pytest.fixture
    def nodes(
        self, make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
    ) -> tuple[Node, Callable[[], Node]]:
        monkeypatch.setattr(journal, "SEGMENT_BYTES", 300)
        return make_node("maker", GRAPH), lambda: make_node("user", GRAPH)

    @staticmethod
    def first(node: Node) -> int:
        return min(int(path.stem) for path in (node.state / "marks").glob("*.jsonl"))

    def make(self, maker: Node, count: int) -> None:
        for _ in range(count):
            number = maker.journal("marks").last + 1
            assert maker.emit("marks", mark(number), str(number))

    def test_nothing_goes_before_a_consumer_has_saved(self, nodes: Any) -> None:
        maker, start_user = nodes
        user = start_user()
        inbox = user.inbox("marks", Watermark)
        self.make(maker, 60)
        assert len(list(inbox.take(look=True))) == 60
        self.make(maker, 60)
        assert self.first(maker) == 1
        user.save_checkpoint({})
        self.make(maker, 10)
        assert 1 < self.first(maker) <= 61

    def test_a_consumer_that_left_the_graph_is_remembered(self, nodes: Any, make_node: Any) -> None:
        maker, start_user = nodes
        user = start_user()
        inbox = user.inbox("marks", Watermark)
        self.make(maker, 20)
        assert len(list(inbox.take(look=True))) == 20
        user.save_checkpoint({})
        alone = make_node("maker", {"nodes": [{"id": "maker", "outputs": ["marks"]}]})
        self.make(alone, 100)
        assert 1 < self.first(alone) <= 21
        again = start_user()
        assert (again.load_checkpoint() or {})["journals"] == {"maker/marks": 20}
        late = again.inbox("marks", Watermark, 20)
        assert [record.watermark_ns for record in late.take(look=True)] == list(range(21, 121))

    def test_a_foreign_node_without_a_folder_keeps_nothing(self, nodes: Any) -> None:
        maker, start_user = nodes
        user = start_user()
        inbox = user.inbox("marks", Watermark)
        for _ in range(10):
            self.make(maker, 10)
            list(inbox.take(look=True))
            user.save_checkpoint({})
        assert self.first(maker) > 1
        assert not (maker.out / "state" / "other").exists()
