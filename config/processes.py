"""What the Python processes of a shop are started with."""

from collections.abc import Mapping

# The C library's memory in huge pages: fewer of them have to be looked up. Where the system has
# none, or another C library, it changes nothing.
ENVIRONMENT: Mapping[str, str] = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
