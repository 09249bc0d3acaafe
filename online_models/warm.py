"""Compiles the models' functions once, when the environment is set up: ``python -m …warm``."""

import shutil
import sys

from online_models.baskets import Baskets
from online_models.compiled import KERNELS, kernels_folder
from online_models.contexts import N_CONTEXT
from online_models.next_product import NextProduct
from online_models.offers import OfferPolicy
from online_models.propensity import Propensity


def warm() -> None:
    """Call everything that is compiled, so that its machine code lies on the disk."""
    model, baskets = NextProduct(capacity=64), Baskets(capacity=64)
    for session in range(40):
        for product_id in ("boots", "socks", "tent"):
            model.learn_one(session, product_id)
            model.index_one(session + 100, product_id)
            baskets.learn_one(session, product_id)
    model.next_best(["boots"], lambda name: name != "socks")
    model.similar("boots")
    baskets.bought_with(["boots"])
    policy, nothing = OfferPolicy(), [0.0] * N_CONTEXT
    policy.learn_one(nothing, "a", 1.0, 1.0)
    policy.probabilities(nothing, ["a", "b"])
    propensity = Propensity()
    for number in range(80):
        propensity.learn_one([float(number)], number % 2 == 0)
    propensity.predict_one([1.0])


def main() -> None:
    """Compile, and remove what older sources left."""
    warm()
    now = kernels_folder()
    for folder in now.parent.glob(f"{KERNELS}*"):
        if folder != now:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"compiled the models into {now.name}\n")


if __name__ == "__main__":
    main()
