"""Whether the servers answer: each by itself, and all of them together through one signed request."""

import http.client
import socket
import ssl

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from winnow_tools.store.folder import Layout, StoreFolder

PROBE_TIMEOUT_S = 2.0


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def port_problem(port: int) -> str:
    """Why a server cannot listen there now, empty if it can; 0 stands for a port not chosen yet."""
    if port == 0:
        return "is not chosen yet"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Swift does
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "may not be used by this user"
        except OSError:
            return "is in use by another program"
    return ""


def answers(folder: StoreFolder, layout: Layout, name: str) -> bool:
    """Whether a server says that it is well."""
    port = layout.ports[name]
    connection: http.client.HTTPConnection
    if name == "proxy" and layout.tls:
        context = ssl.create_default_context(cafile=str(folder.ca_file))
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def signed_request_problem(folder: StoreFolder, layout: Layout) -> str:
    """List the buckets with the store's own keys: what went wrong in one line, empty when it worked."""
    session = boto3.session.Session(
        aws_access_key_id=layout.access_key,
        aws_secret_access_key=layout.secret_key,
        region_name=layout.region,
    )
    client = session.client(
        "s3",
        endpoint_url=layout.endpoint_url,
        verify=str(folder.ca_file) if layout.tls else None,
        config=Config(
            retries={"total_max_attempts": 1},
            connect_timeout=PROBE_TIMEOUT_S,
            read_timeout=10 * PROBE_TIMEOUT_S,
            s3={"addressing_style": "path"},
            proxies={},
        ),
    )
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError) as error:
        return str(error)
    finally:
        client.close()
    return ""
