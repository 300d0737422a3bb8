"""What may show a person, and therefore stays (vehicle document 6.4). In doubt it may."""

from winnow_operators.privacy.pictures import holds_picture, names_picture
from winnow_operators.privacy.ruling import shows_people, why_withheld

__all__ = ["holds_picture", "names_picture", "shows_people", "why_withheld"]
