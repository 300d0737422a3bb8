"""Original messages of one packed message."""

from winnow_operators.packing import PackingError, foxglove
from winnow_operators.packing.block import BLOCK, Timed, unpack_block
from winnow_operators.packing.cloud import CLOUD, unpack_cloud
from winnow_operators.packing.draco import DRACO, unpack_draco
from winnow_schemas.settings.packing import Codec


def unpack(codec: Codec, message: Timed) -> list[Timed]:
    """The messages that a message of the packed file stands for, in their order.

    Raises:
        PackingError: it is damaged.
        UnavailableError: a codec needs a package that is not installed.

    """
    if codec is Codec.PASSTHROUGH:
        return [message]
    data = memoryview(message.data)
    if codec is Codec.DRACO:
        restore = foxglove.bytes_fields(data).get(foxglove.RESTORE_FIELD)
        if restore is None or len(restore) < 2:
            raise PackingError(
                "A Draco cloud was not made by winnow: its original cannot be restored; it was not unpacked."
            )
        if restore[1] == DRACO:
            return [message._replace(data=unpack_draco(data))]
        data = restore
    kind = data[1] if len(data) > 1 else 0
    if kind == CLOUD:
        return [message._replace(data=unpack_cloud(data))]
    if kind == BLOCK:
        return unpack_block(data)
    raise PackingError(f"A packed message has the unknown codec {kind}; it was not unpacked.")
