"""The text of Swift's configuration files for one device with one replica on loopback."""

from pathlib import Path

from winnow_tools.store.folder import Layout

MIN_SEGMENT_BYTES = 5 * 1024 * 1024
"""The smallest part but the last, as AWS has it."""

_COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
bind_timeout = 1
workers = 0
swift_dir = {etc}
log_level = WARNING
"""
# workers = 0 serves in the process that was started: one pid per server, nothing else to end.

_BACKEND = """\
devices = {node}
mount_check = false
disable_fallocate = true

[pipeline:main]
pipeline = healthcheck {name}-server

[app:{name}-server]
use = egg:swift#{name}

[filter:healthcheck]
use = egg:swift#healthcheck
"""

_PROXY = """\

[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats s3api tempauth container_quotas copy slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:healthcheck]
use = egg:swift#healthcheck

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:s3api]
use = egg:swift#s3api
location = {region}
min_segment_size = {min_segment}
# S3's own limit; Swift's default of 1000 parts would end at 10 GB.
max_upload_part_num = 10000

[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin

[filter:container_quotas]
use = egg:swift#container_quotas

[filter:copy]
use = egg:swift#copy

[filter:slo]
use = egg:swift#slo
# Without the first a DELETE of a multipart object frees nothing, without the second it is slowed down.
allow_async_delete = false
rate_limit_after_segment = 10000
max_manifest_segments = 10000

[filter:dlo]
use = egg:swift#dlo
"""


def files(layout: Layout, etc: Path, node: Path, tls: Path) -> dict[str, str]:
    """Texts by file name, all to be written below ``etc`` (readable by the owner only: they hold keys)."""
    account, user = layout.access_key.split(":")
    texts = {
        "swift.conf": (
            f"[swift-hash]\nswift_hash_path_prefix = {layout.hash_prefix}\n"
            f"swift_hash_path_suffix = {layout.hash_suffix}\n\n"
            "[storage-policy:0]\nname = one\ndefault = yes\n"
        )
    }
    for name in ("account", "container", "object"):
        common = _COMMON.format(port=layout.ports[name], etc=etc)
        texts[f"{name}-server.conf"] = common + _BACKEND.format(name=name, node=node)
    # Run once after a crash: listings catch up with objects that were written while their server was gone.
    texts["object-server.conf"] += "\n[object-updater]\n"
    certificate = f"cert_file = {tls / 'server.pem'}\nkey_file = {tls / 'server.key'}\n" if layout.tls else ""
    texts["proxy-server.conf"] = (
        _COMMON.format(port=layout.proxy_port, etc=etc)
        + certificate
        + _PROXY.format(
            region=layout.region,
            min_segment=MIN_SEGMENT_BYTES,
            account=account,
            user=user,
            secret=layout.secret_key,
        )
    )
    return texts
