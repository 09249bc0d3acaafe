"""The largest of many scores, in few lines that compile fast: numpy's take a minute to compile."""

import numpy as np

from online_models.compiled import Floats, Ints, compiled


@compiled
def nth_largest(values: Floats, n: int, nth: int, scratch: Floats) -> float:
    """Return the nth largest of the first ``n`` values (Hoare's quickselect), or less than all."""
    if n <= nth:
        return -np.inf
    for i in range(n):
        scratch[i] = values[i]
    low, high, wanted = 0, n - 1, nth - 1
    while low < high:
        pivot = scratch[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while scratch[i] > pivot:
                i += 1
            while scratch[j] < pivot:
                j -= 1
            if i <= j:
                scratch[i], scratch[j] = scratch[j], scratch[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    return scratch[wanted]


@compiled
def best_first(values: Floats, n: int, least: float, order: Ints) -> int:
    """Write the places of values of at least so much into ``order``, best first; return how many.

    By insertion: for a few hundred at the most. Of more than ``order`` takes, the best are kept.
    """
    found = 0
    for place in range(n):
        value = values[place]
        if value < least:
            continue
        if found == order.shape[0]:
            if value <= values[order[found - 1]]:
                continue
            found -= 1  # the worst makes room
        at = found
        while at > 0 and values[order[at - 1]] < value:
            order[at] = order[at - 1]
            at -= 1
        order[at] = place
        found += 1
    return found
