"""Errors that more than one room raises or shows."""


class ShopkeeperError(Exception):
    """Anything that Shopkeeper itself refuses; its text says what to do next."""


class SettingsError(ShopkeeperError):
    """A setting is unknown or out of range; the text names it and what is allowed."""
