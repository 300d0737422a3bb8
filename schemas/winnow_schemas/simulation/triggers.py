"""The 28 trigger types of the taxonomy, by name (vehicle document 3.1; ``voice_flag`` from the errata)."""

from winnow_schemas.priority import Priority

TRIGGER_PRIORITY: dict[str, Priority] = {
    "estop": Priority.P0,
    "collision": Priority.P0,
    "cbf_intervention": Priority.P0,
    "geofence_breach": Priority.P0,
    "simplex_switch": Priority.P0,
    "aircraft_proximity": Priority.P0,
    "ood_spike": Priority.P1,
    "tracking_failure": Priority.P1,
    "novel_object": Priority.P1,
    "detection_disagreement": Priority.P1,
    "sensor_degradation": Priority.P1,
    "multi_sensor_inconsistency": Priority.P1,
    "gtsam_innovation_spike": Priority.P2,
    "gps_denied_transition": Priority.P2,
    "place_recognition_fail": Priority.P2,
    "map_discrepancy": Priority.P2,
    "calibration_drift": Priority.P2,
    "frenet_exhaustion": Priority.P3,
    "high_cost_trajectory": Priority.P3,
    "deadlock": Priority.P3,
    "path_deviation": Priority.P3,
    "unplanned_stop": Priority.P3,
    "operator_flag": Priority.P4,
    "voice_flag": Priority.P4,
    "time_sample": Priority.P5,
    "distance_sample": Priority.P5,
    "weather_transition": Priority.P5,
    "new_area": Priority.P5,
}
