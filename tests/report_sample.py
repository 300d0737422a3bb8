"""A run as it could have been: forty minutes on the apron, with ground truth. Deterministic."""

import json
import random
from pathlib import Path

GRAPHS = Path(__file__).parent / "examples" / "graphs"
START_NS = 1_795_158_000_000_000_000  # 2026-11-20 07:00:00 UTC
S = 1_000_000_000

INCIDENTS = (
    # name, priority, seconds, length, trigger (empty: missed), delay
    ("hard braking for a tug", 0, 231.0, 2.4, "emergency_brake", 0.12),
    ("geofence breach at stand 14", 0, 704.0, 6.0, "geofence_breach", 0.2),
    ("unknown object on taxi lane", 1, 412.0, 9.0, "ood_spike", 1.4),
    ("tracks swap behind a belt loader", 1, 955.0, 3.0, "", None),
    ("pose jump under a wing", 2, 1288.0, 4.0, "innovation_spike", 0.6),
    ("replanning around a fuel truck", 3, 1530.0, 8.0, "trajectory_cost", 2.2),
    ("operator pressed the flag", 4, 1811.0, 0.0, "operator_flag", 0.05),
    ("E-stop by the safety driver", 0, 2102.0, 1.0, "estop", 0.02),
)
ROLLS = {0: (30, 30), 1: (15, 10), 2: (10, 10), 3: (10, 5), 4: (30, 30), 5: (5, 5)}
TOPICS = (
    ("/pointcloud_aggregator/output", "sensor_msgs/msg/PointCloud2", "lidar", 10, 2_900_000),
    *((f"/lidar/{i}/points", "sensor_msgs/msg/PointCloud2", "lidar", 10, 480_000 if i < 4 else 256_000) for i in range(8)),
    *((f"/camera/{side}/compressed", "sensor_msgs/msg/CompressedImage", "camera", 20, 30_000) for side in ("front", "left", "right", "rear")),
    *((f"/thermal/{side}/compressed", "sensor_msgs/msg/CompressedImage", "thermal", 30, 8_000) for side in ("front", "rear")),
    ("/imu/data", "winnow_msgs/msg/ImuSample", "imu", 500, 60),
    ("/can/vehicle_state", "winnow_msgs/msg/VehicleState", "can", 100, 30),
    ("/localization/pose", "geometry_msgs/msg/PoseStamped", "pose", 10, 90),
    ("/perception/detections", "winnow_msgs/msg/DetectionArray", "perception", 10, 2_000),
    ("/planning/trajectory", "nav_msgs/msg/Path", "planning", 10, 1_000),
    ("/safety/estop", "std_msgs/msg/Bool", "status", 10, 5),
    ("/tf_static", "tf2_msgs/msg/TFMessage", "status", 0, 1_000),
)  # fmt: skip


def sample_report(seed: int = 7, length_s: float = 2400.0) -> str:
    """The JSON form of a report."""
    chance = random.Random(seed)
    topics = []
    for topic, kind_type, kind, rate, size in TOPICS:
        count = round(rate * length_s) or 1
        lost = 3 if topic == "/thermal/rear/compressed" else 0
        topics.append(
            {"topic": topic, "type": kind_type, "kind": kind, "messages": count, "size_bytes": count * size,
             "rate_hz": rate or None, "lost": lost, "kept_bytes": round(count * size * 0.09)}
        )  # fmt: skip
    seen = sum(row["size_bytes"] for row in topics)
    events = [(p, s + delay, kind) for _, p, s, _, kind, delay in INCIDENTS if kind]
    events += [(5, float(s), "time_sample") for s in range(300, int(length_s), 600)]
    events += [(1, 418.5, "low_confidence"), (3, 1533.1, "frenet_exhausted"), (2, 1990.0, "map_residual")]
    triggers, clips = [], []
    for number, (priority, at, kind) in enumerate(sorted(events, key=lambda event: event[1])):
        pre, post = ROLLS[priority]
        clip_id = f"{number:02d}{chance.getrandbits(56):014x}"
        joined = next(
            (c for c in clips if c["priority"] == priority and START_NS + int(at * S) < c["end_ns"]), None
        )
        mark = {"type": kind, "priority": priority, "t_ns": START_NS + int(at * S),
                "value": round(chance.uniform(0.6, 4.0), 3), "threshold": 0.5, "clip_id": clip_id}  # fmt: skip
        if joined:
            mark["clip_id"] = joined["clip_id"]
            joined["types"].append(kind)
            joined["end_ns"] = START_NS + int((at + post) * S)
        else:
            start, end = START_NS + int((at - pre) * S), START_NS + int(min(at + post, length_s) * S)
            size = round((end - start) / S * 31e6 * chance.uniform(0.9, 1.1))
            name = f"GSE-07_{kind}_{number:03d}"
            clips.append(
                {"clip_id": clip_id, "name": name, "path": f"clips/P{priority}/{name}.mcap", "priority": priority,
                 "types": [kind], "start_ns": start, "end_ns": end, "messages": round((end - start) / S * 920),
                 "size_bytes": size, "scenario": chance.choice(["aircraft_proximity", "crossing", "nominal", "adverse"]),
                 "annotation_priority": round(chance.uniform(0.2, 0.99), 2),
                 "upload_state": "uploaded" if priority < 5 else "waiting", "truncated": at + post > length_s,
                 "missing": ["/thermal/rear/compressed: 3 messages lost at the source"] if kind == "estop" else []}
            )  # fmt: skip
        triggers.append(mark)
    triggers += [
        {"type": "trajectory_cost", "priority": 3, "t_ns": START_NS + int(second * S), "value": 91.0,
         "threshold": 80.0, "suppressed": "cooldown of 5 s"}
        for second in (1535.0, 1536.2, 1537.9)
    ]  # fmt: skip
    incidents = []
    for name, priority, at, span, kind, delay in INCIDENTS:
        t_ns = START_NS + int(at * S)
        holding = next((m["clip_id"] for m in triggers if kind and m["type"] == kind), "")
        incidents.append(
            {"name": name, "priority": priority, "t_ns": t_ns, "end_ns": t_ns + int(span * S) if span else None,
             "expected_types": [kind or "track_id_switch"], "found_type": kind,
             "found_t_ns": t_ns + int(delay * S) if kind else None, "clip_id": holding,
             "note": "" if kind else "1 of 3 wanted frames"}
        )  # fmt: skip
    kept = sum(clip["size_bytes"] for clip in clips)
    p0 = sum(1 for mark in triggers if mark["priority"] == 0)
    used = {p: sum(c["size_bytes"] for c in clips if c["priority"] == p) for p in range(6)}
    limits = {0: None, 1: 15_000_000_000, 2: 8_000_000_000, 3: 5_000_000_000, 4: None, 5: 2_000_000_000}
    files = {"name": "vehicle.yml", "text": (GRAPHS / "vehicle.yml").read_text("utf-8"), "modules": {}}
    decisions = [
        ("triggers", "trigger", "suppressed", "The cooldown of 5 s had not passed.", 3, 1535, 1537.9),
        ("extractor", "topic", "left out", "The clip was over its cap of 1.5 GB.", 1, 1530, 1530),
        (
            "redactor",
            "topic",
            "withheld",
            "Camera topics may not leave unredacted.",
            6 * len(clips),
            231,
            2102,
        ),
        ("ring", "message", "lost", "The source skipped sequence numbers.", 3, 2099, 2100),
        ("extractor", "clip", "refused", "The budget of P5 was used up.", 1, 2100, 2100),
    ]
    report = {
        "title": "apron", "vehicle": "GSE-07", "software": "0.1.0", "start_ns": START_NS,
        "end_ns": START_NS + int(length_s * S), "bytes_seen": seen, "bytes_kept": kept, "p0_events": p0, "p0_kept": p0,
        "note": "Simulated suite at the full rate of the vehicle document.", "triggers": triggers, "clips": clips,
        "incidents": incidents, "unexplained": 3, "topics": topics, "graph": files,
        "budgets": [{"priority": p, "used_bytes": used[p], "limit_bytes": limits[p], "refused": int(p == 5)} for p in range(6)],
        "decisions": [
            {"node": n, "kind": k, "outcome": o, "reason": r, "count": c, "first_ns": START_NS + int(a * S),
             "last_ns": START_NS + int(b * S)} for n, k, o, r, c, a, b in decisions
        ],
    }  # fmt: skip
    return json.dumps(report)
