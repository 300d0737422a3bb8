"""Units of fields of standard messages, as the recordings carry them; empty where nothing says so."""

import re

_BY_TYPE: tuple[tuple[str, str, str], ...] = (
    # type (last part), path (pattern), unit: from the comments of the message definitions
    ("Imu|ImuSample", r"linear_acceleration\..*", "m/s2"),
    ("Imu|ImuSample", r"angular_velocity\..*", "rad/s"),
    ("NavSatFix|LocationFix", r"(latitude|longitude)", "deg"),
    ("NavSatFix|LocationFix", r"altitude", "m"),
    ("Twist.*|Odometry", r"(.*\.)?linear\..", "m/s"),
    ("Twist.*|Odometry", r"(.*\.)?angular\..", "rad/s"),
    ("Pose.*|Odometry|TransformStamped|Point.*", r"(.*\.)?(position|translation|point)\..", "m"),
    ("Point", r"[xyz]", "m"),
    ("LaserScan", r"(range_min|range_max)", "m"),
    ("LaserScan", r"min\(ranges\[\]\)", "m"),
    ("LaserScan", r"angle_.*", "rad"),
    ("Range", r"(range|min_range|max_range)", "m"),
    ("FluidPressure", r"fluid_pressure", "Pa"),
    ("Temperature", r"temperature", "degC"),
    ("Illuminance", r"illuminance", "lx"),
    ("BatteryState", r"voltage", "V"),
    ("BatteryState", r"current", "A"),
    ("AckermannDrive.*", r"(.*\.)?speed", "m/s"),
    ("AckermannDrive.*", r"(.*\.)?steering_angle", "rad"),
)
_BY_SUFFIX = {
    "_mps": "m/s",
    "_mps2": "m/s2",
    "_rad": "rad",
    "_deg": "deg",
    "_rps": "rad/s",
    "_m": "m",
    "_s": "s",
    "_ms": "ms",
    "_hz": "Hz",
    "_px": "px",
    "_kmh": "km/h",
}
_COMPILED = [(re.compile(kind), re.compile(path), unit) for kind, path, unit in _BY_TYPE]


def unit_of(schema_name: str, path: str) -> str:
    """The unit of a field."""
    type_name = re.split(r"[/.]", schema_name)[-1]
    for kind, pattern, unit in _COMPILED:
        if kind.fullmatch(type_name) and pattern.fullmatch(path):
            return unit
    last = path.rpartition(".")[2]
    found = [unit for suffix, unit in _BY_SUFFIX.items() if last.endswith(suffix)]
    return found[0] if found else ""
