"""Fields: paths into the payloads of a channel, decoded without decoding the rest."""

from winnow_operators.fields.decoder import FieldDecoder
from winnow_operators.fields.faults import FieldError
from winnow_operators.fields.path import FieldPath, Reducer, parse_path
from winnow_operators.fields.resolution import Value
from winnow_operators.fields.schema import list_fields
from winnow_operators.fields.standard_types import standard_definition

__all__ = [
    "FieldDecoder",
    "FieldError",
    "FieldPath",
    "Reducer",
    "Value",
    "list_fields",
    "parse_path",
    "standard_definition",
]
