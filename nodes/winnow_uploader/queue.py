"""The open clips in memory, always the same as on disk."""

from dataclasses import replace

from winnow_operators.upload.parts import Part
from winnow_uploader.item import Item, ItemState
from winnow_uploader.state import UploadState


class UploadQueue:
    """Items that are not finished, with their parts; every change is on disk when a method returns."""

    def __init__(self, state: UploadState) -> None:
        self.state = state
        self.items = {item.clip_id: item for item in state.open_items()}
        self._parts: dict[str, list[Part]] = {}

    def save(self, item: Item) -> Item:
        """Write an item; one that is no longer open leaves the queue."""
        with self.state.transaction():
            self.state.save(item)
            if item.state in (ItemState.DONE, ItemState.PARKED):
                self.state.save_parts(item.clip_id, [])
        self._remember(item)
        return item

    def parts(self, clip_id: str) -> list[Part]:
        """A clip's parts; empty before it is hashed."""
        if clip_id not in self._parts:
            self._parts[clip_id] = self.state.parts(clip_id)
        return self._parts[clip_id]

    def missing_part(self, clip_id: str) -> Part | None:
        """The first part that the store does not have."""
        return next((part for part in self.parts(clip_id) if not part.etag), None)

    def save_with_parts(self, item: Item, parts: list[Part]) -> Item:
        """Write an item and its parts together."""
        with self.state.transaction():
            self.state.save(item)
            self.state.save_parts(item.clip_id, parts)
        self._remember(item)
        self._parts[item.clip_id] = parts
        return item

    def save_part_sent(self, item: Item, number: int, etag: str) -> Item:
        """Note that the store has a part."""
        with self.state.transaction():
            self.state.save_etag(item.clip_id, number, etag)
            self.state.save(item)
        parts = self.parts(item.clip_id)
        parts[number - 1] = replace(parts[number - 1], etag=etag)
        self._remember(item)
        return item

    def start_again(self, item: Item, state: ItemState) -> Item:
        """Forget what of a clip was in the store; its hashes stay, and without hashes it begins with those."""
        if not self.parts(item.clip_id):
            state = ItemState.QUEUED
        parts = [replace(part, etag="") for part in self.parts(item.clip_id)]
        return self.save_with_parts(replace(item, state=state, upload_id="", opened_wall_ns=0), parts)

    def _remember(self, item: Item) -> None:
        if item.state.is_open:
            self.items[item.clip_id] = item
        else:
            self.items.pop(item.clip_id, None)
            self._parts.pop(item.clip_id, None)
