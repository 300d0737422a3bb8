"""The one error of this package."""

from winnow_schemas.errors import BadInputError


class FieldError(BadInputError):
    """A path, a schema or a payload cannot be used; the sentence says which and why."""
