"""How far back windows may reach that no trigger has asked for yet."""

from winnow_operators.triggers.checking import Inputs
from winnow_operators.triggers.resolve import resolve_triggers
from winnow_schemas.errors import WinnowError
from winnow_schemas.library import library_triggers
from winnow_schemas.messages import TriggerEvent
from winnow_schemas.settings import DeviceSettings
from winnow_schemas.yaml_source import YamlDocument

PRE_ROLL_MAX_NS = 600 * 1_000_000_000
"""What the settings allow at most; assumed when they cannot be resolved (the triggers node says why)."""


class PreRoll:
    """The longest pre-roll that the next event may have.

    Without a warm tier the rings hold that much behind what has been decided, on top of what open windows
    need. An event from elsewhere (a user's own node) that asks for more raises it for the rest of the run.
    """

    def __init__(self, settings: DeviceSettings, document: YamlDocument) -> None:
        try:
            inputs = Inputs.of(settings.signals, settings.position, has_zones=bool(settings.zones))
            active = resolve_triggers(settings.triggers, inputs, library_triggers(), document).require()
        except WinnowError:
            self.longest_ns = PRE_ROLL_MAX_NS
        else:
            self.longest_ns = max((round(each.pre_roll_s * 1e9) for each in active.values()), default=0)

    def saw(self, event: TriggerEvent) -> None:
        """An event came."""
        self.longest_ns = max(self.longest_ns, event.pre_roll_ns)
