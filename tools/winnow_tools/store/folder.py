"""A store's folder: what lies where, its keys and ports, and whether a store can live there."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

import msgspec

from winnow_schemas.errors import BadInputError, UnavailableError

NAMES = ("account", "container", "object", "proxy")
VERSION = 1
MAX_LAYOUT_BYTES = 64 * 1024
"""The file has under 1 kB; a larger one is not ours."""


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a store this store; kept in ``etc/layout.json`` and never changed but for ports and TLS."""

    version: int = VERSION
    region: str = "us-east-1"
    access_key: str
    secret_key: str
    hash_prefix: str
    hash_suffix: str
    """Swift places objects by a hash with these two: without them the data cannot be found again."""
    account_port: int = 0
    container_port: int = 0
    object_port: int = 0
    proxy_port: int = 0
    port_is_fixed: bool = False
    """The user chose ``proxy_port``; otherwise it may change when somebody else has taken it."""
    tls: bool = False

    @property
    def ports(self) -> dict[str, int]:
        """Ports by server name, in the order in which servers are started."""
        return {name: getattr(self, f"{name}_port") for name in NAMES}

    @property
    def endpoint_url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.proxy_port}"


def new_layout() -> Layout:
    """Fresh keys; 40 random characters as AWS has them."""
    return Layout(
        access_key=f"winnow:{secrets.token_hex(8)}",
        secret_key=secrets.token_urlsafe(30),
        hash_prefix=secrets.token_hex(16),
        hash_suffix=secrets.token_hex(16),
    )


class StoreFolder:
    """Paths below the folder that the user names, and the files that are written whole."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.etc = self.path / "etc"
        self.node = self.path / "node"
        self.run = self.path / "run"
        self.log = self.path / "log"
        self.tls = self.path / "tls"
        self.credentials_file = self.path / "store.json"
        self.layout_file = self.etc / "layout.json"
        self.ca_file = self.tls / "ca.pem"

    def conf(self, name: str) -> Path:
        return self.etc / f"{name}-server.conf"

    def pid_file(self, name: str) -> Path:
        return self.run / f"{name}.pid"

    def log_file(self, name: str) -> Path:
        return self.log / f"{name}.log"

    @property
    def exists(self) -> bool:
        """Whether a store was made here before."""
        return self.layout_file.is_file()

    def read_layout(self) -> Layout:
        """Read the layout of a store that exists.

        Raises:
            BadInputError: the file is damaged or of a newer version.
            UnavailableError: it may not be read.

        """
        try:
            with self.layout_file.open("rb") as file:
                data = file.read(MAX_LAYOUT_BYTES + 1)
            layout = msgspec.json.decode(data[:MAX_LAYOUT_BYTES], type=Layout)
        except OSError as error:
            raise UnavailableError(
                f"{self.layout_file} cannot be read ({error.strerror}); the store was not touched. "
                "Run this as the user who owns the folder."
            ) from None
        except msgspec.MsgspecError as error:
            raise BadInputError(
                f"{self.layout_file} is damaged ({error}); the store was not started. Restore the file from a "
                "backup: without it the objects in this folder cannot be found."
            ) from None
        if layout.version != VERSION:
            raise BadInputError(
                f"{self.layout_file} has version {layout.version}, this program knows {VERSION}; the store was "
                "not started. Use the version of winnow that made it."
            )
        return layout

    def prepare(self) -> Layout:
        """Make the folders, check that Swift can live here, and return the layout, new or as it was.

        Raises:
            BadInputError: the folder cannot be one, or holds something else.
            UnavailableError: it is not writable or has no user xattrs.

        """
        if "%" in str(self.path) or any(ord(sign) < 32 for sign in str(self.path)):
            raise BadInputError(
                f"{str(self.path)!r} contains '%' or a control character, which Swift's configuration files "
                "cannot hold; nothing was started. Choose another folder."
            )
        try:
            self._make_folders()
            layout = self.read_layout() if self.exists else new_layout()
            _check_xattrs(self.node)
        except OSError as error:
            raise UnavailableError(
                f"{self.path} cannot be written ({error.strerror}); no store was started. "
                "Name a folder that you may write to."
            ) from None
        return layout

    def _make_folders(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise BadInputError(f"{self.path} is not a folder; no store was started. Name a folder.")
        if not self.exists and self.path.is_dir():
            strange = sorted(p.name for p in self.path.iterdir() if p.name not in _OWN_NAMES)
            if strange:
                raise BadInputError(
                    f"{self.path} holds other things ({', '.join(strange[:3])}) and no store; nothing was "
                    "changed. Name an empty or a new folder."
                )
            if (self.node / "sda").is_dir() and any((self.node / "sda").iterdir()):
                raise BadInputError(
                    f"{self.node} holds objects, but {self.layout_file} with the key to their places is gone; "
                    "nothing was changed. Restore that file, or empty the folder."
                )
        self.path.mkdir(parents=True, exist_ok=True)
        for folder in (self.etc, self.node, self.run, self.log, self.tls):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
        (self.node / "sda").mkdir(exist_ok=True)

    def write_layout(self, layout: Layout) -> None:
        """Write ``layout.json`` and, for clients, ``store.json``."""
        write_private(self.layout_file, msgspec.json.format(msgspec.json.encode(layout)))
        credentials = {
            "endpoint_url": layout.endpoint_url,
            "region": layout.region,
            "access_key": layout.access_key,
            "secret_key": layout.secret_key,
        }
        if layout.tls:
            credentials["ca_file"] = str(self.ca_file)
        write_private(self.credentials_file, msgspec.json.format(msgspec.json.encode(credentials)))


_OWN_NAMES = {"etc", "node", "run", "log", "tls", "store.json", "lost+found"}


def write_private(path: Path, data: bytes) -> None:
    """Write a file whole, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.tmp")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _check_xattrs(folder: Path) -> None:
    """Swift keeps an object's metadata in user extended attributes.

    Raises:
        UnavailableError: the file system has none.

    """
    probe = folder / ".xattr-probe"
    probe.touch()
    try:
        os.setxattr(probe, "user.winnow.probe", b"x")
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        raise UnavailableError(
            f"The file system of {folder} has no user extended attributes, in which Swift keeps metadata; no "
            "store was started. Choose a folder on ext4, xfs, btrfs or a recent tmpfs."
        ) from None
    finally:
        probe.unlink(missing_ok=True)
