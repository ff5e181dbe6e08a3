"""Public holidays of a country and region."""

from datetime import date

import pytest

from contactcenter.desk.holidays import holiday_dates


def test_madrid_keeps_its_second_of_may_and_names_it_in_spanish() -> None:
    days = holiday_dates("ES", "MD", [2025, 2026], "es")
    assert days[date(2025, 5, 2)] == "Fiesta de la Comunidad de Madrid"
    assert date(2025, 5, 2) not in holiday_dates("ES", "AN", [2025], "es")
    assert list(days) == sorted(days)


def test_thanksgiving_is_the_fourth_thursday_of_november() -> None:
    assert holiday_dates("US", None, [2026], "en_US")[date(2026, 11, 26)] == "Thanksgiving Day"


def test_an_unknown_place_is_refused_with_a_sentence() -> None:
    for country, subdivision in (("XX", None), ("US", "ZZ")):
        with pytest.raises(ValueError, match="No public holidays are known"):
            holiday_dates(country, subdivision, [2026], "en_US")
