"""CDR payloads whose definition is IDL (``ros2idl``)."""

import struct

import pytest

from winnow_operators.fields import FieldDecoder, FieldError, list_fields
from winnow_schemas.channel import Channel

IDL = f"""{"=" * 80}
IDL: test_msgs/msg/Root
// generated from rosidl_adapter
#include "test_msgs/msg/Inner.idl"
/* a block
   comment */
module test_msgs {{
  module msg {{
    module Root_Constants {{
      const uint8 LIMIT = 3;
    }};
    struct Root {{
      @verbatim (language="comment", text=
        "a comment" "in two parts")
      builtin_interfaces::msg::Time stamp;
      @unit (value="m/s")
      double speed;
      boolean ok;
      string name;
      sequence<test_msgs::msg::Inner> inner;
      octet raw;
    }};
  }};
}};
{"=" * 80}
IDL: test_msgs/msg/Inner
module test_msgs {{
  module msg {{
    typedef double double__3[3];
    struct Inner {{
      double__3 v;
      int16 small;
    }};
  }};
}};
{"=" * 80}
IDL: builtin_interfaces/msg/Time
module builtin_interfaces {{
  module msg {{
    struct Time {{
      int32 sec;
      uint32 nanosec;
    }};
  }};
}};
"""


def channel(text: str, name: str = "test_msgs/msg/Root") -> Channel:
    return Channel("/t", "cdr", name, "ros2idl", text.encode())


def test_fields_and_values():
    assert list_fields(channel(IDL)) == [
        ("stamp", "time"),
        ("speed", "float64"),
        ("ok", "bool"),
        ("name", "string"),
        ("inner[].v[]", "float64"),
        ("inner[].small", "int16"),
        ("raw", "uint8"),
    ]
    body = struct.pack("<iIdB3xI2s2xI", 5, 6, 1.5, 1, 2, b"n\0", 2)
    body += bytes(-len(body) % 8) + struct.pack("<3dh6x3dh", 1, 2, 3, -4, 5, 6, 7, 8) + b"\xfe"
    paths = ["stamp", "speed", "ok", "name", "inner[1].v[2]", "max(inner[].small)", "raw", "sum(inner[].v[])"]
    values = FieldDecoder(channel(IDL), paths).decode(b"\0\1\0\0" + body)
    assert values == (5.000000006, 1.5, True, "n", 7.0, 8.0, 254.0, 24.0)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("module {", "is not understood"),
        ("", "does not define it"),
        (IDL.replace("Root", "Other"), "does not define it"),
        ("const long x = 1 << 4000000000;", "shifts numbers"),
        ("x" * 300_000, "limit 262,144"),
    ],
)
def test_malformed_idl_is_named(text: str, sentence: str):
    with pytest.raises(FieldError, match=sentence):
        FieldDecoder(channel(text), ["speed"])
