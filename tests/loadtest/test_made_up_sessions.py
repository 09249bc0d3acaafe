"""Made-up sessions are seeded, and look alike however large the catalog is."""

from collections import Counter
from itertools import islice

import pytest

from loadtest.made_up_sessions import made_up_sessions


def test_the_same_seed_makes_the_same_sessions() -> None:
    first, again, other = (list(islice(made_up_sessions(400, seed), 50)) for seed in (1, 1, 2))
    assert first == again != other


def test_a_large_catalog_has_the_densities_of_a_small_one() -> None:
    small = list(islice(made_up_sessions(1_000, 1, 1_000), 2_000))
    large = list(islice(made_up_sessions(5_000, 1, 1_000), 10_000))
    mean_small, mean_large = (sum(map(len, some)) / len(some) for some in (small, large))
    assert mean_large == pytest.approx(mean_small, rel=0.05)
    assert 4.0 < mean_large < 6.0
    shares_small = Counter(product for products in small for product in products)
    shares_large = Counter(product // 5 for products in large for product in products)
    best = [rank for rank, _ in shares_small.most_common(5)]
    for rank in best:  # five products share what one has, of five times as many events
        assert shares_large[rank] / 5 == pytest.approx(shares_small[rank], rel=0.2)


def test_a_session_stays_in_its_block() -> None:
    for products in islice(made_up_sessions(5_000, 1, 1_000), 500):
        assert len({product % 5 for product in products}) == 1
        assert 2 <= len(products) <= 30
        assert all(0 <= product < 5_000 for product in products)


def test_products_that_make_no_whole_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="no whole blocks"):
        next(made_up_sessions(1_500, 1, 1_000))
