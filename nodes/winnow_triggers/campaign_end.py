"""When a running campaign is over, by message time."""


class CampaignEnd:
    """The end of a campaign, for a stream whose time was before it.

    Whether a campaign may begin is asked of the clock, once. From then on only messages count, so that the same
    messages always give the same decisions. A recording that was made after the campaign's end (it is tried out on
    it) never reaches that end: its first message decides.
    """

    def __init__(self, expires_ns: int | None = None, is_armed: bool | None = None) -> None:
        self.expires_ns = expires_ns
        self.is_armed = is_armed
        """Whether the first message under the campaign came from before its end; None before it."""

    def is_reached(self, t_ns: int) -> bool:
        """Whether a message of this time comes after the end."""
        if self.expires_ns is None:
            return False
        if self.is_armed is None:
            self.is_armed = t_ns < self.expires_ns
        return self.is_armed and t_ns >= self.expires_ns
