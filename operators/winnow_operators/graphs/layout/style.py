"""Sizes of a drawing, in CSS pixels."""

TITLE_PX = 14.0
SUBTITLE_PX = 10.5
PORT_PX = 10.5
CHIP_PX = 10.0
REGION_PX = 11.5
"""Font sizes."""

TITLE_MAX = 220.0
SUBTITLE_MAX = 200.0
PORT_MAX = 118.0
CHIP_MAX = 118.0
REGION_MAX = 420.0
"""Widest texts; longer ones lose their middle."""

PADDING = 12.0
"""Inside a box, left and right."""
BADGE = 18.0
"""Room for the mark of a node that is started again."""
PORT_GAP = 14.0
"""Between the texts of two ports."""
PORT_GAP_LEAST = 9.0
"""The same where a pin is moved to make its line straight."""
PORT_LINE = 15.0
"""Height of a line of port names."""
PIN_GAP = 16.0
"""Least distance of two pins of a box."""
LEADER = 4.0
"""Room on each side of a pin's line where it passes other texts."""
CHIP_LINE = 19.0
"""Height of a line of chips above a box."""
CHIP_PADDING = 6.0
PORTS_WIDE = 430.0
"""Wider rows of port names are written in two or three lines."""
HEAD = 38.0
"""Title and subtitle."""
HEAD_SHORT = 24.0
"""Title alone."""
BOX_MIN = 104.0
"""Narrowest box."""
BOX_AIR = 7.0
"""Above the first and below the last line of a box."""

ITEM_GAP = 34.0
"""Between two boxes of a row."""
LANE_GAP = 11.0
"""Between two lines that pass through a row."""
LANE_ITEM_GAP = 18.0
"""Between a line and a box that it passes."""
TRACK = 10.0
"""Between two horizontal lines."""
CHANNEL_MIN = 30.0
"""Least height between two rows."""
EXIT_MIN = 4.0
"""Least height between the last row and the border of its region."""
CHANNEL_AIR = 15.0
"""Between a row and the first horizontal line."""
CLEAR = 7.0
"""Vertical lines of different nets closer than this, on top of each other, would look like one."""
ROW_WIDTH = 1100.0
"""Rows are broken at about this width, so that a drawing fits a screen and a page."""
REGION_AIR = 16.0
"""Inside a region's border."""
REGION_HEAD = 24.0
"""Height of a region's title."""
MARGIN = 18.0
"""Around the drawing."""
