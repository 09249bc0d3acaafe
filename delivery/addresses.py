"""Which addresses webhooks may be sent to: public ones, and what a receiver lists. Pure.

What looks public may lead inside: an IPv6 address that carries an IPv4 address counts as that one,
and tunnels (6to4, Teredo) are refused altogether.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from config.webhooks import Network

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; its neighbour 64:ff9b:1::/48 is private
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291; nothing else of IPv6 is public
# Of special use by IANA's registries, and not private to every version of Python's ipaddress.
_SPECIAL = tuple(
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
)


def parse_address(text: str) -> Address:
    """Return the address, without the zone that a resolver may add to it.

    Raises:
        ValueError: it is none.
    """
    return ip_address(text.partition("%")[0])


def may_connect(address: Address, listed: Sequence[Network]) -> bool:
    """Tell whether an address is public or in a listed network.

    >>> may_connect(parse_address("93.184.216.34"), ())
    True
    >>> may_connect(parse_address("::ffff:127.0.0.1"), ())
    False
    """
    real = _carried(address)
    return _is_public(real) or any(one in network for one in (real, address) for network in listed)


def _is_public(address: Address) -> bool:
    if any(address in network for network in _SPECIAL):
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _carried(address: Address) -> Address:
    """Return the IPv4 address that packets to an IPv6 address end at, if they do, else itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
