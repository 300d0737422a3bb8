"""All rings of a run as one reader sees them."""

from pathlib import Path

from winnow_runtime.ring.board import Beat, Board, Cell, CellState, Channels, read_cell
from winnow_runtime.ring.folder import RingFolder
from winnow_runtime.ring.reader import RingReader
from winnow_schemas.channel import Channel
from winnow_schemas.errors import BadInputError


class RingView:
    """Opens rings as they appear; they stay readable when the ring node is gone."""

    def __init__(self, folder: RingFolder) -> None:
        self.folder = folder
        self.channels = Channels(folder.path)
        self._board = Board(folder.path, write=False)
        self._readers: dict[str, RingReader] = {}
        self._looked_at = -1
        """Bytes of the list of channels when the folder was looked through: a ring comes before its channel."""

    def beat(self) -> Beat:
        """The newest heartbeat."""
        return self._board.read()

    @property
    def writer_lives(self) -> bool:
        """Whether the ring's process runs at this moment."""
        return self.folder.owner()[0].alive

    def rings(self) -> dict[str, RingReader]:
        """Port -> reader, for every ring that exists by now, by port name.

        Asked for with each heartbeat: the folder is only looked through when a channel has been announced.
        """
        size = self.channels.size_bytes()
        if size != self._looked_at or size == 0:
            self._look()
            complete = self._readers.keys() >= self.channels.by_port().keys()
            self._looked_at = size if complete else -1
        return self._readers

    def _look(self) -> None:
        ports = self.folder.ports()
        if len(ports) != len(self._readers):
            for port in ports:
                if port not in self._readers:
                    try:
                        self._readers[port] = RingReader(self.folder.ring_path(port))
                    except (BadInputError, OSError, ValueError):
                        continue  # it is being made at this moment; next time
            self._readers = dict(sorted(self._readers.items()))

    def ring(self, port: str) -> RingReader:
        """The ring of a port that has one."""
        known = self._readers.get(port)
        return known if known is not None else self.rings()[port]

    def channel(self, number: int) -> Channel:
        """The channel of an entry."""
        return self.channels.get(number)

    def topics(self) -> dict[str, str]:
        """Port -> topic, as announced last."""
        return {port: channels[-1][1].topic for port, channels in self.channels.by_port().items()}

    def cell(self, reader: str) -> CellState | None:
        """What another reader says of itself."""
        return read_cell(self.folder.path, reader)

    def own_cell(self, reader: str) -> Cell:
        """The cell in which this reader says how far it has got."""
        return Cell(self.folder.path, reader)


def try_open(shm_dir: Path, run_id: str) -> RingView | None:
    """The rings of a run; None while the ring node has not made them yet."""
    folder = RingFolder.of(shm_dir, run_id)
    if not (folder.path / "board").exists():
        return None
    return RingView(folder)
