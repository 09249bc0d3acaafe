"""What campaigns' offers gave away, by day: what their budgets are held against."""

from online_models.experiment_sums import ExperimentSums, decode_sums, sums_field

PREFIX = "campaign:"
KEPT_DAYS = 32  # a day's sums go when the campaign gives something away so many days later


class Given:
    """Sums of all campaigns that gave something away, as the learning flow has committed them."""

    def __init__(self) -> None:
        self._sums: dict[str, ExperimentSums] = {}

    def put(self, name: str, data: bytes | None) -> None:
        """Take the sums of a campaign's day; those of experiments are left out.

        Raises:
            InvalidSums: they cannot be read; the ones before stay in use.
        """
        if not name.startswith(PREFIX):
            return
        if data is None:
            self._sums.pop(name, None)
        else:
            self._sums[name] = decode_sums(data)

    def on(self, campaign: str, day: str) -> float:
        """Return what was given away with the decisions of a day in UTC, such as ``2026-11-24``."""
        sums = self._sums.get(sums_field(given_by(campaign), day))
        return 0.0 if sums is None else sums.revenue


def given_by(campaign: str) -> str:
    """Return under which name the sums of a campaign's offers are kept.

    >>> given_by("ten-off")
    'campaign:ten-off'
    """
    return PREFIX + campaign
