"""Original messages of packed messages."""

from winnow_operators.packing import PackingError, foxglove
from winnow_operators.packing.block import BLOCK, Timed, unpack_block
from winnow_operators.packing.cloud import CLOUD, unpack_cloud
from winnow_operators.packing.draco import DRACO, unpack_draco
from winnow_runtime.packing.video import VIDEO, FrameDecoder
from winnow_schemas.settings.packing import Codec


class Unpacker:
    """Messages of one channel, in the order of the file: video needs the frames before."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._frames = FrameDecoder()

    def unpack(self, message: Timed) -> list[Timed]:
        """The messages that a message of the packed file stands for, in their order.

        Raises:
            PackingError: it is damaged.
            UnavailableError: a codec needs a package that is not installed.

        """
        if self._codec is Codec.PASSTHROUGH:
            return [message]
        data = memoryview(message.data)
        if self._codec in (Codec.DRACO, Codec.VIDEO):
            whole, data = data, _restore_of(data)
            if data[1] == DRACO:
                return [message._replace(data=unpack_draco(whole))]
            if data[1] == VIDEO:
                return [message._replace(data=self._frames.decode(whole))]
        kind = data[1] if len(data) > 1 else 0
        if kind == CLOUD:
            return [message._replace(data=unpack_cloud(data))]
        if kind == BLOCK:
            return unpack_block(data)
        raise PackingError(f"A packed message has the unknown codec {kind}; it was not unpacked.")


def _restore_of(data: memoryview) -> memoryview:
    restore = foxglove.bytes_fields(data).get(foxglove.RESTORE_FIELD)
    if restore is None or len(restore) < 2:
        raise PackingError(
            "A message was not made by winnow: its original cannot be restored; it was not unpacked."
        )
    return restore
