"""Public holidays by country and region, from the `holidays` package (MIT)."""

from collections.abc import Iterable
from datetime import date

from holidays import country_holidays


def holiday_dates(country: str, subdivision: str | None, years: Iterable[int], language: str) -> dict[date, str]:
    """Dates and names, in order: `country` and `subdivision` as in ISO 3166 ("ES", "MD"), `language` as "es".

    Names come in the country's default language or English where the package does not speak `language`. Local feasts
    of a town are not in it. Raises ValueError for a country or subdivision that it does not know.
    """
    try:
        found = country_holidays(country, subdiv=subdivision, years=years, language=language)
    except NotImplementedError as unknown:
        raise ValueError(f"No public holidays are known for {country} {subdivision or ''}".rstrip() + ".") from unknown
    return dict(sorted(found.items()))
