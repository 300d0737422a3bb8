import numpy as np
import pytest

from winnow_operators.dashcam.plates.formats import Formats
from winnow_operators.dashcam.text.recognising import ALPHABET
from winnow_schemas.library.plate_formats import plate_formats


def sure(text, certainty=0.98):
    rows = np.full((len(text), len(ALPHABET)), (1 - certainty) / len(ALPHABET), np.float32)
    for row, character in zip(rows, text, strict=True):
        row[ALPHABET.index(character)] = certainty
    return rows


@pytest.fixture(scope="module")
def formats():
    return Formats(plate_formats())


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("BB135B0", "BB135BO"),  # Slovakia: letters at the end
        ("0LC4728", "OLC4728"),
        ("5AEA911", "5AEA911"),
        ("3127K", "3127K"),  # of no known format: stays as it was read
        ("KA2128", "KA2128"),
        ("皖A195K9", "皖A195K9"),
    ],
)
def test_doubtful_characters_become_what_a_format_wants(formats, read, meant):
    assert formats.judge(sure(read)).text == meant


def test_the_letters_of_the_band_are_not_part_of_the_plate():
    german = Formats(plate_formats(), ["DE"])
    judged = german.judge(sure("DMXY4711"))
    assert judged.country == "DE"
    czech = Formats(plate_formats(), ["CZ"]).judge(sure("CZ4B40262"))
    assert (czech.text, czech.start) == ("4B40262", 2)


def test_a_certain_word_does_not_become_a_plate(formats):
    judged = formats.judge(sure("PARKING"))
    assert not any(character.isdecimal() for character in judged.text)


def test_a_text_of_a_format_is_expected_more_than_one_of_none(formats):
    assert formats.expects("BB135BO") > formats.expects("B1B3X5O")


def test_only_chosen_countries_are_expected():
    assert Formats(plate_formats(), ["BR"]).judge(sure("RK891AU")).country == ""
