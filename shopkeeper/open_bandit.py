"""Reads the Open Bandit format, and works out how often its Thompson sampling shows which item.

A folder ``<behaviour>/<campaign>/<campaign>.csv``, plain or ``.gz``, with the columns ``item_id``,
``position`` (from 1), ``click`` and ``propensity_score`` (Saito et al.: "Open Bandit Dataset and
Pipeline", NeurIPS 2021).
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from config.errors import ShopkeeperError
from online_models.off_policy import Choices
from shopkeeper.line_files import BrokenLine, read_csv

PRIOR = "prior_bts.yaml"
N_POSITIONS = 3
_COLUMNS = ("item_id", "position", "click", "propensity_score")

Numbers = NDArray[np.float64]


class OpenBanditLog(NamedTuple):
    """Logged slots; positions from 0."""

    choices: Choices
    positions: NDArray[np.int64]


def log_file(folder: Path, behaviour: str, campaign: str) -> Path | None:
    """Return the file of a campaign logged by a behaviour policy; None where there is none."""
    for name in (f"{campaign}.csv.gz", f"{campaign}.csv"):
        path = folder / behaviour / campaign / name
        if path.is_file():
            return path
    return None


def read_log(path: Path, n_items: int) -> OpenBanditLog:
    """Return the slots of a file.

    Raises:
        BrokenLine: a line has no number where one is needed, or one out of range.
        ShopkeeperError: the file cannot be read, or lacks a column.
    """
    # Row by row: 90 columns, of which four count.
    names, rows = read_csv(path, _COLUMNS)
    places = [names.index(name) for name in _COLUMNS]
    read = []
    for number, fields in rows:
        try:
            read.append([float(fields[place]) for place in places])
        except ValueError as error:
            raise BrokenLine(path, number, f"four numbers are needed: {error}") from error
    table = np.array(read).reshape(-1, len(_COLUMNS))
    if not ((table[:, 0] >= 0) & (table[:, 0] < n_items)).all():
        raise ShopkeeperError(f"{path}: an item_id is not among the {n_items} of {PRIOR}")
    if not ((table[:, 1] >= 1) & (table[:, 1] <= N_POSITIONS)).all():
        raise ShopkeeperError(f"{path}: a position is not from 1 to {N_POSITIONS}")
    positions = table[:, 1].astype(np.int64) - 1
    choices = Choices(
        arms=table[:, 0].astype(np.int64),
        chances=table[:, 3],
        rewards=table[:, 2],
        features=np.eye(N_POSITIONS)[positions],
        n_arms=n_items,
    )
    return OpenBanditLog(choices, positions)


def read_prior(folder: Path, campaign: str) -> tuple[Numbers, Numbers]:
    """Return the Beta priors of Bernoulli Thompson sampling, alpha and beta by item.

    Raises:
        ShopkeeperError: there are none, or they are no priors.
    """
    path = folder / PRIOR
    if not path.is_file():
        raise ShopkeeperError(
            f"{path} is missing: the Beta priors of Thompson sampling by campaign, which come with "
            "Open Bandit Pipeline (obp/policy/conf/prior_bts.yaml)"
        )
    try:
        read: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        alpha, beta = (np.array(read[campaign][key], np.float64) for key in ("alpha", "beta"))
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise ShopkeeperError(f"{path} has no alpha and beta of {campaign!r}: {error}") from error
    are_priors = alpha.ndim == 1 and alpha.shape == beta.shape and len(alpha) >= N_POSITIONS
    if not are_priors or not (np.isfinite([alpha, beta]).all() and min(*alpha, *beta) > 0):
        raise ShopkeeperError(f"{path}: alpha and beta of {campaign!r} must be as many, above 0")
    return alpha, beta


def thompson_chances(alpha: Numbers, beta: Numbers, n_slates: int, seed: int) -> Numbers:
    """Return how often each item comes at each position: (position, item), of simulated slates.

    Every item's click rate is drawn from its Beta; the largest three are shown in their order.
    """
    rng, counts = np.random.default_rng(seed), np.zeros((N_POSITIONS, len(alpha)))
    left = n_slates
    while left:
        n_drawn = min(left, 10_000)
        drawn = rng.beta(alpha, beta, (n_drawn, len(alpha)))
        shown = np.argsort(-drawn, axis=1)[:, :N_POSITIONS]
        for position in range(N_POSITIONS):
            counts[position] += np.bincount(shown[:, position], minlength=len(alpha))
        left -= n_drawn
    return counts / n_slates
