"""Which network interfaces can be used at this moment, from Linux' own files."""

import contextlib
import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

NET = Path("/sys/class/net")
IF_INET6 = Path("/proc/net/if_inet6")
MAX_INTERFACES = 1000
_SIOCGIFADDR = 0x8915
"""From linux/sockios.h: an interface's IPv4 address."""
_UP = ("up", "unknown")
"""`unknown` is what drivers without link detection say, such as modems and the loopback."""


def interfaces(net: Path = NET, if_inet6: Path = IF_INET6) -> dict[str, tuple[str, ...]]:
    """Name -> addresses, of every interface that is up, has a carrier and an address; link-local ones do not count."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        names = sorted(path.name for path in net.iterdir())[:MAX_INTERFACES]
    except OSError:
        return found
    newer = _ipv6(if_inet6)
    for name in names:
        if not _is_up(net / name):
            continue
        addresses = (*_ipv4(name), *newer.get(name, ()))
        if addresses:
            found[name] = addresses
    return found


def _is_up(folder: Path) -> bool:
    try:
        state = (folder / "operstate").read_text("ascii").strip()
        carrier = (folder / "carrier").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):  # the kernel refuses `carrier` of an interface that is down
        return False
    return state in _UP and carrier == "1"


def _ipv4(name: str) -> tuple[str, ...]:
    request = struct.pack("256s", name.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        answer = fcntl.ioctl(sock.fileno(), _SIOCGIFADDR, request)
        return (socket.inet_ntoa(answer[20:24]),)
    return ()


def _ipv6(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        lines = path.read_text("ascii").splitlines()[: MAX_INTERFACES * 8]
    except (OSError, UnicodeDecodeError):
        return found
    for line in lines:
        fields = line.split()
        with contextlib.suppress(ValueError, IndexError):
            address = ipaddress.ip_address(bytes.fromhex(fields[0]))
            if not address.is_link_local:
                found.setdefault(fields[5], []).append(str(address))
    return found


def takes_connection(target: str, timeout_s: float) -> bool:
    """Whether HOST:PORT takes a TCP connection in time."""
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
    except (OSError, OverflowError, UnicodeError):
        return False
    return True
