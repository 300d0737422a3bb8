"""Messages of one time are decided by topic, those of one topic as they came."""

from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.stream.ties import in_decision_order
from winnow_schemas.channel import Channel, Message

CHANNELS = {topic: Channel(topic, "json") for topic in ("/a", "/b", "/c")}
STEPS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(sorted(CHANNELS))), max_size=40)


@settings(deadline=None, max_examples=200)
@given(STEPS)
def test_order_is_time_topic_and_place(steps):
    ordered = sorted(steps, key=lambda step: step[0])
    messages = [
        Message(CHANNELS[topic], t_ns, t_ns, bytes([place % 256]))
        for place, (t_ns, topic) in enumerate(ordered)
    ]
    expected = sorted(messages, key=lambda message: (message.t_ns, message.channel.topic))
    assert list(in_decision_order(iter(messages))) == expected


def test_a_message_is_held_back_only_until_the_next_time():
    given_out = in_decision_order(
        Message(CHANNELS["/a"], t_ns, t_ns, b"") if t_ns < 3 else 1 / 0 for t_ns in range(10)
    )
    assert [next(given_out).t_ns for _ in range(2)] == [0, 1]
