"""What can be wrong with a message that was made from an Arrow value."""

from winnow_schemas.errors import BadInputError


class NativeError(BadInputError):
    """The Arrow value cannot be had back."""
