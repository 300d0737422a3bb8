"""The source against real Zenoh sessions that follow rmw_zenoh's convention."""

from collections.abc import Callable

import pytest
from tests.nodes.winnow_ros2.conftest import Bench
from tests.ros2_robot import SECOND_NS, STRING, Publisher, Robot, open_session, string_cdr

from winnow_operators.ros2.qos import TRANSIENT_LOCAL, Qos

MakeBench = Callable[..., Bench]
LATCHED = Qos(durability=TRANSIENT_LOCAL, depth=1)


def texts(count: int, first: int = 0) -> list[bytes]:
    return [string_cdr(f"message {number}") for number in range(first, first + count)]


def publish(publisher: Publisher, payloads: list[bytes]) -> None:
    for payload in payloads:
        publisher.put(payload)


@pytest.mark.parametrize("mode", ["peer", "client"])
def test_a_topic_is_discovered_by_its_token_and_its_bytes_arrive_unchanged(
    bench: MakeBench, robot: Robot, mode: str
) -> None:
    made = bench(["chatter"], {"mode": mode}).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    payloads = [*texts(200), b"", bytes(range(256)) * 500]
    publish(publisher, payloads)
    made.until(lambda: made.counts("/chatter").sent == len(payloads), "all messages")
    messages = made.messages()
    assert [data for *_, data in messages] == payloads
    assert {(topic, kind) for topic, kind, *_ in messages} == {("/chatter", STRING)}
    assert [published for *_, published, _ in messages] == [sent.source_ns for sent in publisher.sent]
    assert made.counts("/chatter").missed == 0
    assert made.source.arrivals.malformed == 0


def test_the_schema_comes_with_the_topic(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    publisher = Publisher(robot, "/chatter", qos=LATCHED)
    publisher.put(string_cdr("x"))
    made.until(lambda: bool(made.payloads("/chatter")))
    (_, channel) = made.ring.intake._channels.by_port()["chatter"][0]
    assert channel.encoding == "cdr"
    assert channel.schema_encoding == "ros2msg"
    assert channel.schema_data == b"string data\n"
    assert channel.is_latched
    assert "RIHS01_df668c" in dict(channel.metadata)["topic_type_hash"]


def test_log_time_is_the_receive_time_and_never_goes_back(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    before = made.clock.wall_ns()
    for number in range(50):
        publisher.put(string_cdr("x"), source_ns=before - number * SECOND_NS)
    made.until(lambda: made.counts("/chatter").sent == 50)
    times = [t_ns for _, _, t_ns, _, _ in made.messages()]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= made.clock.wall_ns()


def test_log_time_may_be_the_source_stamp_where_it_can_be_believed(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"], {"time": "source", "max_skew_s": 60}).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    now = made.clock.wall_ns()
    publisher.put(string_cdr("soon"), source_ns=now - 2 * SECOND_NS)
    publisher.put(string_cdr("long ago"), source_ns=1000 * SECOND_NS)
    made.until(lambda: made.counts("/chatter").sent == 2)
    (_, _, first, _, _), (_, _, second, published, _) = made.messages()
    assert first == publisher.sent[0].source_ns
    assert second >= now
    assert published == publisher.sent[1].source_ns
    assert made.counts("/chatter").disbelieved == 1


def test_the_watermark_moves_without_messages(bench: MakeBench) -> None:
    made = bench(["chatter"]).linked()
    start = made.clock.wall_ns()
    made.until(lambda: made.ring.board.read().watermark_ns >= start)


def test_gaps_are_counted_exactly(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    publish(publisher, texts(5))
    publisher.skip(3)
    publish(publisher, texts(2))
    publisher.skip(40)
    publish(publisher, texts(1))
    made.until(lambda: made.counts("/chatter").sent == 8)
    assert made.counts("/chatter").missed == 43
    rows = [reason for _, _, outcome, reason in made.ledger() if outcome == "lost before the source"]
    assert len(rows) == 2
    assert "3 messages of /chatter" in rows[0]
    assert "6 to 8" in rows[0]


def test_a_publisher_that_comes_late_or_restarts_is_no_gap(bench: MakeBench, robot: Robot) -> None:
    first = Publisher(robot, "/chatter", entity="1")
    first.skip(500)
    made = bench(["chatter"]).linked().subscribed("/chatter")
    made.hears(first)
    publish(first, texts(3))
    made.until(lambda: made.counts("/chatter").sent == 3)
    first.close()
    second = Publisher(robot, "/chatter", entity="2")
    made.hears(second)
    publish(second, texts(3))
    made.until(lambda: made.counts("/chatter").sent == 6)
    assert made.counts("/chatter").missed == 0


def test_a_restarted_publisher_that_keeps_its_gid_is_recorded(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    old = Publisher(robot, "/chatter", gid=b"0123456789abcdef")
    made.hears(old)
    publish(old, texts(4))
    made.until(lambda: made.counts("/chatter").sent == 4)
    old.close()
    new = Publisher(robot, "/chatter", gid=b"0123456789abcdef")
    made.hears(new)
    for payload in texts(4, 10):
        new.put(payload, source_ns=1_900_000_000 * SECOND_NS)
    made.until(lambda: made.counts("/chatter").sent == 8)
    assert made.counts("/chatter").anew == 1
    assert made.counts("/chatter").missed == 0


def test_two_publishers_on_one_topic_are_counted_apart(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    one, two = Publisher(robot, "/chatter", entity="1"), Publisher(robot, "/chatter", entity="2")
    made.hears(one, two)
    for number in range(20):
        one.put(string_cdr(f"one {number}"))
        two.put(string_cdr(f"two {number}"))
        if number == 9:
            two.skip(7)
    made.until(lambda: made.counts("/chatter").sent == 40)
    assert sorted(made.payloads("/chatter")) == sorted(sent.data for sent in [*one.sent, *two.sent])
    assert made.counts("/chatter").missed == 7
    assert made.source.graph.publishers("/chatter") == 2


def test_a_late_joiner_gets_the_latched_message(bench: MakeBench, robot: Robot) -> None:
    publisher = Publisher(robot, "/map", qos=LATCHED)
    publish(publisher, texts(3))
    made = bench(["map"])
    made.until(lambda: bool(made.payloads("/map")))
    publisher.put(string_cdr("live"))
    made.until(lambda: len(made.payloads("/map")) == 2)
    assert made.payloads("/map") == [texts(3)[-1], string_cdr("live")]


def test_a_latched_publisher_that_starts_later_is_asked_too(bench: MakeBench, robot: Robot) -> None:
    made = bench(["map"]).linked()
    publisher = Publisher(robot, "/map", qos=LATCHED)
    publisher.put(string_cdr("before the subscription"))
    made.until(lambda: made.payloads("/map") == [string_cdr("before the subscription")])


def test_a_topic_without_token_arrives_when_the_settings_name_it(bench: MakeBench, robot: Robot) -> None:
    made = bench(["imu_data"], topics={"/imu/data": {"ring_mib": 1}}).linked().subscribed("/imu/data")
    publisher = Publisher(robot, "/imu/data", token=False)
    made.hears(publisher)
    publish(publisher, texts(10))
    made.until(lambda: made.payloads("/imu/data") == texts(10))


def test_a_look_finds_topics_that_nobody_announced(bench: MakeBench, robot: Robot) -> None:
    made = bench(["spare_1"], {"look_every_s": 0.2, "look_s": 0.2}).linked()
    publisher = Publisher(robot, "/from/a/microcontroller", token=False)

    def heard() -> bool:
        publisher.put(string_cdr("x"))
        return len(made.payloads("/from/a/microcontroller")) >= 5

    made.until(heard, "an unannounced topic")
    assert made.counts("/from/a/microcontroller").missed == 0
    assert made.payloads("/from/a/microcontroller") == [string_cdr("x")] * len(
        made.payloads("/from/a/microcontroller")
    )


def test_the_router_may_go_and_come_back(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"], {"mode": "client"}).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    publish(publisher, texts(3))
    made.until(lambda: made.counts("/chatter").sent == 3)
    robot.stop_router()
    made.until(lambda: not made.source.link.connected and not publisher.is_matched, "the loss of the router")
    publish(publisher, texts(5, 100))  # nobody can hear these
    robot.start_router()
    made.until(lambda: made.source.link.connected, "the router's return")

    def heard() -> bool:
        publisher.put(string_cdr("after"))
        return made.counts("/chatter").sent >= 6

    made.until(heard, "messages after the outage")
    counts = made.counts("/chatter")
    assert counts.missed == publisher._next - 1 - counts.received - still_to_come(publisher, made)
    assert counts.missed >= 5
    assert made.source.link.outages == 1
    outcomes = [outcome for kind, _, outcome, _ in made.ledger() if kind == "link"]
    assert outcomes == ["lost", "back"]


def still_to_come(publisher: Publisher, made: Bench) -> int:
    """Published behind the last message that has come."""
    ((_, _, last, _),) = made.source.arrivals.snapshot()
    return publisher._next - 1 - last


def test_a_source_that_starts_before_the_router_waits_and_says_so(bench: MakeBench, robot: Robot) -> None:
    robot.stop_router()
    made = bench(["chatter"], {"mode": "client"}, topics={"/chatter": {"ring_mib": 1}})
    made.until(lambda: any(outcome == "waiting" for _, _, outcome, _ in made.ledger()), "the sentence")
    robot.start_router()
    made.subscribed("/chatter")
    publisher = Publisher(robot, "/chatter")

    def heard() -> bool:
        publisher.put(string_cdr("x"))
        return bool(made.payloads("/chatter"))

    made.until(heard)


def test_a_killed_source_goes_on_and_says_what_it_missed(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter", "spare_1"]).linked()
    publisher, other = Publisher(robot, "/chatter"), Publisher(robot, "/other", qos=LATCHED)
    made.subscribed("/chatter", "/other").hears(publisher)
    publish(publisher, texts(5))
    publish(other, texts(1))
    made.until(lambda: made.counts("/chatter").sent == 5 and made.counts("/other").sent == 1)
    made.source.report()
    made.kill()
    publish(publisher, texts(4, 50))
    made.restart()
    made.linked().subscribed("/chatter", "/other").hears(publisher)
    publish(publisher, texts(2, 90))
    made.until(lambda: made.counts("/chatter").sent == 2 and made.counts("/other").repeated == 1)
    assert made.payloads("/chatter") == [*texts(5), *texts(2, 90)]
    assert made.payloads("/other") == texts(1), "the cached message came again and is kept once"
    assert made.counts("/chatter").missed == 4
    assert any("At most 4 messages" in reason for *_, reason in made.ledger())
    assert made.ring.intake.lost == 0


def test_it_is_seen_in_the_ros_graph(bench: MakeBench, robot: Robot) -> None:
    seen: list[str] = []
    listener = robot.session.liveliness().declare_subscriber(
        "@ros2_lv/7/**", lambda sample: seen.append(str(sample.key_expr)), history=True
    )
    made = bench(["chatter"], {"node_name": "recorder"}).linked()
    Publisher(robot, "/chatter")
    made.until(lambda: any("/MS/" in token for token in seen), "the subscription's token")
    assert any("/NN/%/%/recorder" in token for token in seen)
    subscription = next(token for token in seen if "/MS/" in token)
    assert subscription.endswith(
        "/MS/%/%/recorder/%chatter/std_msgs::msg::dds_::String_/"
        "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18/::,:,:,:,,"
    )
    listener.undeclare()


def test_excluded_topics_and_other_domains_are_left_alone(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter", "camera_raw"], {"exclude": ["/camera/**"]}).linked()
    wanted, excluded = Publisher(robot, "/chatter"), Publisher(robot, "/camera/raw")
    made.hears(wanted)
    excluded.put(string_cdr("x"))
    wanted.put(string_cdr("x"))
    made.until(lambda: bool(made.payloads("/chatter")))
    assert list(made.source.arrivals.topics) == ["/chatter"]
    assert made.source.subscriptions is not None
    assert made.source.subscriptions.topics == ["/chatter"]


def test_a_topic_without_port_is_named_once(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter", "spare_1"]).linked()
    for topic in ("/one", "/two", "/chatter"):
        Publisher(robot, topic)
        made.until(lambda topic=topic: made.source.graph.publishers(topic) == 1)
    Publisher(robot, "/two", entity="2")
    made.until(lambda: made.source.graph.publishers("/two") == 2)
    made.source.report()
    rows = [(subject, reason) for _, subject, outcome, reason in made.ledger() if outcome == "not wired"]
    assert [subject for subject, _ in rows] == ["/two"]
    assert "std_msgs/msg/String" in rows[0][1]


def test_the_settings_map_topics_to_ports(bench: MakeBench, robot: Robot) -> None:
    made = bench(["front", "rear"], {"ports": {"/camera/1": "rear", "/camera/0": "front"}}).linked()
    for number in range(2):
        publisher = Publisher(robot, f"/camera/{number}")
        made.hears(publisher)
        publisher.put(string_cdr(str(number)))
    made.until(lambda: len(made.messages()) == 2)
    assert [(topic, data) for topic, *_, data in made.messages()] == [
        ("/camera/0", string_cdr("0")),
        ("/camera/1", string_cdr("1")),
    ]


def test_what_does_not_fit_is_lost_here_and_named(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"], {"queue_mib": 0.01, "max_message_mib": 0.005}).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    publish(publisher, [bytes(6000)])
    publish(publisher, [bytes(1000)] * 100)

    def all_came() -> bool:
        return (
            made.source.arrivals.topics.get("/chatter") is not None
            and made.counts("/chatter").received == 101
        )

    end = made.clock.monotonic_ns() + 10 * SECOND_NS
    while not all_came() and made.clock.monotonic_ns() < end:
        made.clock.sleep_s(0.01)  # the loop stands still, as behind a graph that is too slow
    counts = made.counts("/chatter")
    assert (counts.oversize, counts.overflow) == (1, 90)
    made.until(lambda: counts.sent == 10)
    assert counts.missed == 0, "what was lost here did arrive"
    rows = [reason for _, _, outcome, reason in made.ledger() if outcome == "lost at the source"]
    assert len(rows) == 2
    assert "90 messages of /chatter" in rows[0]


def test_hostile_samples_are_counted_and_the_rest_goes_on(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter", "spare_1"], {"look_every_s": 0.2, "look_s": 10}).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    attacker = open_session("peer", robot.endpoint)
    chatter = f"7/chatter/std_msgs::msg::dds_::String_/{'RIHS01_' + '0' * 64}"

    def attack() -> bool:
        for key in ("7/x", "7/a/b", "7/**", "7/chatter/x/y", f"7/{'long' * 300}/t/h", "7/chatter/a::b/c"):
            attacker.put(key, b"x")
        attacker.delete(chatter)
        return made.source.arrivals.malformed >= 7

    made.until(attack, "malformed samples")
    for attachment in (b"", b"x", bytes(33), b"\xff" * 33, b"\x0fsequence_number", bytes(100_000)):
        attacker.put(chatter, b"hostile", attachment=attachment)
    for token in ("@ros2_lv/7/x", "@ros2_lv/7/1/2/3/MP/%/%/n/%t/not a type/h/q", "@ros2_lv/7/1/2/3/QQ/%/%/n"):
        attacker.liveliness().declare_token(token)
    made.until(lambda: made.payloads("/chatter").count(b"hostile") == 6, "the messages with bad attachments")
    publish(publisher, texts(3))
    made.until(lambda: made.payloads("/chatter")[-3:] == texts(3))
    assert made.counts("/chatter").bad_attachment >= 4
    ledger = made.ledger()
    assert sum(outcome == "attachment" for _, _, outcome, _ in ledger) <= 2
    assert any(outcome == "another type" for _, _, outcome, _ in ledger)
    assert all("\n" not in reason for *_, reason in ledger)
    attacker.close()


def test_a_wrong_hash_means_no_schema_but_the_message_is_kept(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter", "custom"]).linked()
    changed = Publisher(robot, "/chatter", type_hash="RIHS01_" + "0" * 64)
    unknown = Publisher(robot, "/custom", type_name="my_msgs/msg/Own", type_hash="RIHS01_" + "1" * 64)
    made.hears(changed, unknown)
    for _ in range(3):
        changed.put(string_cdr("x"))
        unknown.put(b"\0\1\0\0y")
    made.until(lambda: len(made.messages()) == 6)
    assert {(topic, kind) for topic, kind, *_ in made.messages()} == {
        ("/chatter", STRING),
        ("/custom", "my_msgs/msg/Own"),
    }
    rows = [(subject, reason) for _, subject, outcome, reason in made.ledger() if outcome == "no schema"]
    assert sorted(subject for subject, _ in rows) == ["/chatter", "/custom"]
    assert "differ" in dict(rows)["/chatter"]
    assert "no definition is known" in dict(rows)["/custom"]


def test_thousands_of_topics_stay_within_the_limit(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"], {"max_topics": 50}).linked()
    publishers = [Publisher(robot, f"/many/{number}") for number in range(300)]
    made.until(lambda: made.source.graph.beyond >= 250)
    assert len(made.source.subscriptions.unported) <= 50
    assert len(publishers) == 300


def test_the_named_attachments_of_early_jazzy_are_read(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    publisher = Publisher(robot, "/chatter", named_fields=True)
    made.hears(publisher)
    publish(publisher, texts(2))
    publisher.skip(1)
    publish(publisher, texts(1))
    made.until(lambda: made.counts("/chatter").sent == 3)
    assert made.counts("/chatter").missed == 1
    assert made.counts("/chatter").bad_attachment == 0


def test_messages_without_attachment_are_kept(bench: MakeBench, robot: Robot) -> None:
    made = bench(["chatter"]).linked()
    publisher = Publisher(robot, "/chatter")
    made.hears(publisher)
    for payload in texts(5):
        publisher.put_bare(payload)
    made.until(lambda: made.payloads("/chatter") == texts(5))
    assert made.counts("/chatter").no_attachment == 5
