"""A real S3 server on this machine: OpenStack Swift, four small processes in one folder."""

from winnow_tools.store.status import ServerStatus, StoreState, StoreStatus
from winnow_tools.store.store import Store

__all__ = ["ServerStatus", "Store", "StoreState", "StoreStatus"]
