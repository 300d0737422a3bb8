from tests.example_graphs import example, graph_of

from winnow_operators.graphs.layout.picture import SlotKind
from winnow_operators.graphs.layout.picturing import picture_of


def slots(picture, box, upper):
    found = picture.boxes[box].ins if upper else picture.boxes[box].outs
    return {slot.label: slot for slot in found}


def test_forty_topics_become_one_line():
    picture = picture_of(example("vehicle"))
    links = [link for link in picture.links if (link.source, link.target) == ("sim", "ring")]
    assert sorted(len(link.connections) for link in links) == [1, 46]
    bundle = slots(picture, "ring", upper=True)["46 × Payload"]
    assert bundle.kind is SlotKind.BUNDLE
    assert bundle.note == "5–1000"
    assert len(bundle.ports) == 46


def test_an_observers_inputs_come_in_together():
    picture = picture_of(example("vehicle"))
    assert slots(picture, "ledger", upper=True)["9 × Decision"].kind is SlotKind.COLLECTOR
    targets = {link.target_slot for link in picture.links if link.target == "monitor"}
    assert len(targets) == 1


def test_policies_are_never_mixed_in_a_line():
    ports = [f"o{number}" for number in range(8)]
    inputs = "\n".join(
        f"      {port}: {{source: a/{port}, queue_policy: {'backpressure' if index % 2 else 'drop_oldest'}}}"
        for index, port in enumerate(ports)
    )
    picture = picture_of(
        graph_of(
            f"nodes:\n  - id: a\n    path: x\n    outputs: {ports}\n  - id: b\n    path: x\n    inputs:\n{inputs}\n"
        )
    )
    assert [len(link.connections) for link in picture.links] == [4, 4]
    assert all({one.target.policy for one in link.connections} == {link.policy} for link in picture.links)


def test_few_lines_stay_apart_and_many_kinds_are_bundled_all_the_same():
    def links(count):
        ports = [f"o{number}" for number in range(count)]
        types = "".join(f"\n      {port}: t/v1/{port}" for port in ports)
        inputs = "".join(f"\n      {port}: a/{port}" for port in ports)
        text = f"nodes:\n  - id: a\n    path: x\n    outputs: {ports}\n    output_types:{types}\n"
        return picture_of(graph_of(text + f"  - id: b\n    path: x\n    inputs:{inputs}\n")).links

    assert len(links(6)) == 6
    assert len(links(7)) == 1


def test_outputs_that_nobody_takes_are_named_or_counted():
    few = picture_of(graph_of("nodes:\n- {id: a, path: x, outputs: [one, two]}"))
    assert set(slots(few, "a", upper=False)) == {"one", "two"}
    many = picture_of(graph_of("nodes:\n- {id: a, path: x, outputs: [a, b, c, d]}"))
    assert set(slots(many, "a", upper=False)) == {"4 not taken"}


def test_every_connection_is_in_one_line():
    for name in ("mixed", "vehicle", "modules", "cycles"):
        graph = example(name)
        drawn = [one for link in picture_of(graph).links for one in link.connections]
        assert len(drawn) == len(graph.connections)
        assert set(map(str, drawn)) == set(map(str, graph.connections))
