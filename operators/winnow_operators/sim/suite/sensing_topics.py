"""LiDAR, camera and thermal topics."""

from functools import partial

from winnow_operators.sim.render.camera import CameraSuite
from winnow_operators.sim.render.lidar import LidarSuite
from winnow_operators.sim.render.mounts import CAMERAS, LIDARS, THERMALS
from winnow_operators.sim.render.packing import CloudLayout, ImageLayout
from winnow_operators.sim.render.thermal import GOP_FRAMES, RATE_HZ, Codec, ThermalSuite
from winnow_operators.sim.suite.stream import MS, Moment, Stream

CLOUD = "sensor_msgs/msg/PointCloud2"
IMAGE = "sensor_msgs/msg/CompressedImage"


class SensingTopics:
    """Renders them from the scene, every message on its own."""

    def __init__(self, seed: int, scale: float, codec: Codec) -> None:
        self._lidar = LidarSuite(seed, scale)
        self._camera = CameraSuite(seed, scale)
        self._thermal = ThermalSuite(seed, scale, codec)
        self._clouds = [CloudLayout(mount.frame) for mount in LIDARS]
        self._merged = CloudLayout("base_link")
        self._frames = [ImageLayout(mount.frame, "jpeg") for mount in CAMERAS]
        self._heat = [ImageLayout(mount.frame, codec) for mount in THERMALS]

    def cloud_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        single = [
            Stream(f"/lidar/{number}/points", CLOUD, partial(self._cloud, number), 10, (1 + number) * MS)
            for number in range(len(LIDARS))
        ]
        merged = Stream("/pointcloud_aggregator/output", CLOUD, self._aggregated, 10, 15 * MS)
        return (*single, merged)

    def image_streams(self) -> tuple[Stream, ...]:
        """In the order of the table in docs/topics.md."""
        cameras = [
            Stream(
                f"/camera/{mount.name}/compressed", IMAGE, partial(self._jpeg, number), 20, (6 + number) * MS
            )
            for number, mount in enumerate(CAMERAS)
        ]
        thermals = [
            Stream(
                f"/thermal/{mount.name.removeprefix('thermal_')}/compressed",
                IMAGE,
                partial(self._hot, number),
                RATE_HZ,
                group=GOP_FRAMES,
            )
            for number, mount in enumerate(THERMALS)
        ]
        return (*cameras, *thermals)

    def _cloud(self, number: int, moment: Moment) -> bytes:
        points = self._lidar.sweep(number, moment.tick)
        return self._clouds[number].pack(moment.stamp_ns, points.data.cast("B"))

    def _aggregated(self, moment: Moment) -> bytes:
        points = self._lidar.aggregated(moment.tick)
        return self._merged.pack(moment.stamp_ns, points.data.cast("B"))

    def _jpeg(self, number: int, moment: Moment) -> bytes:
        return self._frames[number].pack(moment.stamp_ns, self._camera.jpeg(number, moment.tick))

    def _hot(self, number: int, moment: Moment) -> bytes:
        data = self._thermal.frame(number, moment.number, moment.tick)
        return self._heat[number].pack(moment.stamp_ns, data)
