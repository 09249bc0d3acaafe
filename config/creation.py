"""What is fixed when a shop is created: shards, secret, format. Written once, then compared."""

from collections.abc import Mapping

from config.errors import SettingsError
from config.keys import Ids

FORMAT = "1"


def creation_fields(ids: Ids) -> dict[str, str]:
    """Return the hash that the first process writes."""
    return {"shards": str(ids.n_shards), "fingerprint": ids.fingerprint(), "format": FORMAT}


def check_creation(found: Mapping[bytes, bytes], ids: Ids) -> None:
    """Compare what the data was created with to what the settings say.

    Raises:
        SettingsError: they differ; the text says what to do.
    """
    there = {name.decode(): value.decode() for name, value in found.items()}
    if there.get("format") != FORMAT:
        raise SettingsError(
            f"the data has format {there.get('format')}, this Shopkeeper reads {FORMAT}: run the "
            "version that wrote it, or take another [shop] namespace"
        )
    if there.get("shards") != str(ids.n_shards):
        raise SettingsError(
            f"[redis] shards: {ids.n_shards}, but the data was created with "
            f"{there.get('shards')}: set that, or take another [shop] namespace"
        )
    if there.get("fingerprint") != ids.fingerprint():
        raise SettingsError(
            "secret: the data was created with another one: bring that back, or take another "
            "[shop] namespace"
        )
