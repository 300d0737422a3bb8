"""What is wrong with packed data."""

from winnow_schemas.errors import BadInputError


class PackingError(BadInputError):
    """Packed data contradict themselves, are cut short, or go over a limit."""
