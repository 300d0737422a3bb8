"""Keys, tokens, attachments and quality of service: both ways, and against anything."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow_operators.ros2.attachment import Attachment, parse_attachment
from winnow_operators.ros2.keys import TopicKey, is_topic, parse_topic_key, topic_key_text, topic_selector
from winnow_operators.ros2.qos import Qos, parse_qos
from winnow_operators.ros2.tokens import Endpoint, EntityKind, Token, parse_token, token_text
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError

NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
TOPIC = st.lists(NAME, min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))
TYPE = st.tuples(NAME, st.sampled_from(["msg", "srv", "action"]), NAME).map("/".join)
HASH = st.one_of(st.just("TypeHashNotSupported"), st.from_regex(r"RIHS01_[0-9a-f]{64}", fullmatch=True))
DURATION = st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 999_999_999))
QOS = st.builds(
    Qos,
    reliability=st.integers(0, 4),
    durability=st.integers(0, 4),
    history=st.integers(0, 3),
    depth=st.integers(0, 10_000),
    deadline=DURATION,
    lifespan=DURATION,
    liveliness=st.integers(0, 5),
    lease=DURATION,
)
ENDPOINT = st.builds(Endpoint, TOPIC, TYPE, HASH, QOS)
SPACE = st.one_of(st.just("/"), TOPIC)
NODE_TOKEN = st.builds(
    Token, st.integers(0, 232), NAME, NAME, NAME, st.just(EntityKind.NODE), SPACE, SPACE, NAME
)
TOKEN = st.one_of(
    NODE_TOKEN,
    st.builds(
        Token,
        st.integers(0, 232),
        NAME,
        NAME,
        NAME,
        st.sampled_from([kind for kind in EntityKind if kind is not EntityKind.NODE]),
        SPACE,
        SPACE,
        NAME,
        ENDPOINT,
    ),
)
ATTACHMENT = st.builds(
    Attachment,
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**63), 2**63 - 1),
    st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=24, max_size=24)),
)


@given(st.builds(TopicKey, st.integers(0, 232), TOPIC, TYPE, HASH))
def test_keys_come_back(key: TopicKey) -> None:
    text = topic_key_text(key)
    assert parse_topic_key(text) == key
    assert text.startswith(topic_selector(key.domain, key.topic).removesuffix("*/*"))
    assert is_topic(key.topic)


@given(TOKEN)
def test_tokens_come_back(token: Token) -> None:
    assert parse_token(token_text(token)) == token


@given(QOS)
def test_quality_of_service_comes_back(qos: Qos) -> None:
    assert parse_qos(qos.to_token()) == qos


@given(ATTACHMENT, st.booleans())
def test_attachments_come_back(attachment: Attachment, named: bool) -> None:
    assert parse_attachment(attachment.to_bytes(named=named)) == attachment


def test_an_attachment_as_rmw_zenoh_writes_it() -> None:
    raw = bytes.fromhex("010000000000000000e876481700000010" + "ab" * 16)
    assert parse_attachment(raw) == Attachment(1, 100_000_000_000, b"\xab" * 16)
    early = (
        b"\x0fsequence_number" + raw[:8] + b"\x10source_timestamp" + raw[8:16] + b"\x0asource_gid" + raw[16:]
    )
    assert len(early) == 77
    assert parse_attachment(early) == parse_attachment(raw)


def test_a_token_as_rmw_zenoh_writes_it() -> None:
    text = (
        "@ros2_lv/2/aac3178e146ba6f1fc6e6a4085e77f21/0/10/MP/%/%robot/talker/%chatter/"
        "std_msgs::msg::dds_::String_/RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18/"
        "::,7:,:,:,,"
    )
    token = parse_token(text)
    assert (token.domain, token.kind, token.namespace, token.node) == (
        2,
        EntityKind.PUBLISHER,
        "/robot",
        "talker",
    )
    assert token.endpoint is not None
    assert (token.endpoint.topic, token.endpoint.type_name) == ("/chatter", "std_msgs/msg/String")
    assert token.endpoint.qos == Qos(depth=7)
    assert token_text(token) == text


def test_later_versions_may_add_parts() -> None:
    text = "@ros2_lv/0/z/0/1/MS/%/%/n/%t/a::msg::dds_::B_/RIHS01_0/::,:,:,:,,:new/backends"
    assert parse_token(text).endpoint == Endpoint("/t", "a/msg/B", "RIHS01_0", Qos())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0/t",
        "0/t/a::msg::dds_::B_",
        "x/t/a::msg::dds_::B_/h",
        "0//a::msg::dds_::B_/h",
        "0/*/a::msg::dds_::B_/h",
        "0/**/a::msg::dds_::B_/h",
        "0/@adv/a::msg::dds_::B_/h",
        "0/t\n/a::msg::dds_::B_/h",
        "0/t/a::msg::B/h",
        "0/t/std_msgs::msg::dds_::/h",
        "0/t/::dds_::_/h",
        "٣/t/a::msg::dds_::B_/h",
        "0/" + "t" * 300 + "/a::msg::dds_::B_/h",
        "0/" + "t/" * 200 + "a::msg::dds_::B_/h",
        "0/" + "long" * 1000,
    ],
)
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(BadInputError, match="was ignored") as refusal:
        parse_topic_key(text)
    assert len(str(refusal.value)) < 400
    assert str(refusal.value).isprintable()


HOSTILE_KEY = st.one_of(
    st.text(max_size=200),
    st.text(alphabet="@ros2_lv/%:,MPNS0*$?#~\n", max_size=200),
    TOKEN.map(token_text).flatmap(
        lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3)).map(
            lambda change: text[: change[0]] + change[1] + text[change[0] + 1 :]
        )
    ),
)


@given(HOSTILE_KEY)
@settings(max_examples=300)
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_topic_key, parse_token, parse_qos):
        with contextlib.suppress(BadInputError):
            parse(text)


@given(st.one_of(st.binary(max_size=200), ATTACHMENT.map(Attachment.to_bytes).map(lambda data: data[:-1])))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        attachment = parse_attachment(data)
    except BadInputError:
        return
    assert data in (attachment.to_bytes(), attachment.to_bytes(named=True))


def test_offered_profiles_are_those_of_rosbag2() -> None:
    latched = Channel(
        "/map", "cdr", metadata=(("offered_qos_profiles", Qos(durability=1, depth=1).to_rosbag2()),)
    )
    volatile = Channel("/scan", "cdr", metadata=(("offered_qos_profiles", Qos().to_rosbag2()),))
    assert latched.is_latched
    assert not volatile.is_latched
