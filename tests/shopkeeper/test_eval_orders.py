"""``shopkeeper eval orders``: a file of orders in, figures out; what is wrong is told."""

from pathlib import Path
from random import Random

import orjson
import pytest

from config.errors import ShopkeeperError
from shopkeeper.eval_orders import evaluate_orders
from shopkeeper.order_files import OrderFormat, read_orders
from tests.shopkeeper.builders import invoked


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return orders of customers who come every 5 or 20 days, some of them only for a while."""
    rng, lines = Random(1), ["customer,ordered_at"]
    for number in range(200):
        day, usual, until = rng.uniform(0, 20), rng.choice([5, 20]), rng.choice([60, 200])
        while day < until:
            lines.append(f"c{number},{1_700_000_000 + round(day * 86_400)}")
            day += usual * rng.uniform(0.8, 1.2)
    path = tmp_path / "orders.csv"
    path.write_text("\n".join(lines))
    return path


def test_the_command_prints_figures_beside_those_of_baselines(file: Path) -> None:
    whole = ["eval", "orders", str(file), "--horizon-days", "60", "--within-days", "10", "--json"]
    figures = orjson.loads(invoked(*whole).stdout)
    assert figures["n_customers"] == 200
    assert figures["again"]["auc"] > 0.6
    assert figures["again"]["log_loss"] < figures["again"]["log_loss_rate"]
    assert figures["leaving"]["auc"] > figures["leaving"]["auc_recency"] - 0.02


def test_data_that_end_too_soon_are_told(file: Path) -> None:
    with pytest.raises(ShopkeeperError, match="fewer --horizon-days may do"):
        evaluate_orders(file, OrderFormat.CSV, 365, 30)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (OrderFormat.CSV, "id,at\nann,1970-01-02\nbob,5", [(86_400_000, "ann"), (5_000, "bob")]),
        (OrderFormat.CSV, '"a,b",1970-01-01T01:00:00+01:00', [(0, "a,b")]),
        (OrderFormat.CDNOW, " customer_id date n\n 7 19700103 1 9.5\n", [(2 * 86_400_000, "7")]),
        (OrderFormat.TAOBAO815, "u,i,c,pv,1\nu,i,c,buy,2", [(2_000, "u")]),
    ],
)
def test_formats_are_read(
    tmp_path: Path, kind: OrderFormat, text: str, expected: list[tuple[int, str]]
) -> None:
    path = tmp_path / "orders.txt"
    path.write_text(text)
    assert read_orders(path, kind) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (OrderFormat.CSV, "ann,1970-01-02\nbob"),
        (OrderFormat.CSV, "ann,5\n,6"),
        (OrderFormat.CSV, "ann,5\nbob,soon"),
        (OrderFormat.CDNOW, "7 19700103\n8 19701399"),
        (OrderFormat.TAOBAO815, "u,i,c,buy,1\nu,i,buy,2"),
    ],
)
def test_a_line_that_is_no_order_is_told_with_its_number(
    tmp_path: Path, kind: OrderFormat, text: str
) -> None:
    path = tmp_path / "orders.txt"
    path.write_text(text)
    with pytest.raises(ShopkeeperError, match=r"2.*needed"):
        read_orders(path, kind)
