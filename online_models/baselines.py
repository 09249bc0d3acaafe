"""Well-known simple models of the next product, to hold others against.

S-POP, sequential rules (SR) and session-based nearest neighbours with decays (after STAN; Garg et
al., SIGIR 2019), as in Ludewig, Jannach: "Evaluation of Session-Based Recommendation Algorithms"
(UMUAI 2018). They keep all that they learn: for evaluation, not for a shop.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from heapq import nlargest
from math import exp, sqrt

from online_models.memory import Memory, size_of
from online_models.next_product import Suggestion

MAX_OPEN = 10_000  # sessions that may still go on
NEIGHBOURS = 500
LOOKED_AT = 2_000  # the most recent sessions with a product in common
_PLACE_FADE = 0.5  # of a session's product, by how many distinct ones came after it
_AGE_SESSIONS = 50_000.0
_DISTANCE_FADE = 0.5
_TOP = 64


class SessionPopularity:
    """S-POP: what was seen most often in this session, then what is popular of all time."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._top: list[str] = []
        self._sessions: set[int] = set()
        self._n_steps = 0

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product."""
        self._sessions.add(session)
        self._n_steps += 1
        self._counts[product_id] += 1
        if product_id not in self._top:
            self._top.append(product_id)
        # Counts only grow: who is not among the top gets there by its own count alone.
        self._top.sort(key=self._counts.__getitem__, reverse=True)
        del self._top[_TOP:]

    def next_best(self, viewed: Sequence[str], most: int = 20) -> list[Suggestion]:
        """Return what comes next after these (latest first), best first."""
        times, counts = Counter(viewed), self._counts
        own = sorted(times, key=lambda name: (times[name], counts[name]), reverse=True)
        names = [*own, *(name for name in self._top if name not in times)][:most]
        return [Suggestion(name, 1.0 / place, None) for place, name in enumerate(names, start=1)]

    def memory(self) -> Memory:
        """Return what this holds."""
        held = size_of(self._counts) + size_of(self._top)
        return Memory(len(self._counts), len(self._sessions), self._n_steps, held, 0, 0)


class SequentialRules:
    """SR: what came after the last product in sessions, weighted by 1/distance."""

    def __init__(self) -> None:
        self._rules: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._open: OrderedDict[int, list[str]] = OrderedDict()
        self._n_sessions = 0
        self._n_steps = 0

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product."""
        seen = self._open.get(session)
        if seen is None:
            seen = self._open[session] = []
            self._n_sessions += 1
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        self._n_steps += 1
        for distance, earlier in enumerate(reversed(seen), start=1):
            rule = self._rules[earlier]
            rule[product_id] = rule.get(product_id, 0.0) + 1.0 / distance
        seen.append(product_id)

    def next_best(self, viewed: Sequence[str], most: int = 20) -> list[Suggestion]:
        """Return what comes next after these (latest first), best first."""
        if not viewed:
            return []
        return _best(self._rules.get(viewed[0], {}), most, viewed[0])

    def memory(self) -> Memory:
        """Return what this holds."""
        held = size_of(self._rules) + sum(size_of(rule.values()) for rule in self._rules.values())
        sessions = size_of(self._open)
        return Memory(len(self._rules), self._n_sessions, self._n_steps, held, sessions, 0)


class SessionNeighbours:
    """STAN-like: products of the most similar recent sessions, near where these met this one."""

    def __init__(self) -> None:
        self._sessions: list[list[str]] = []
        self._numbers: dict[int, int] = {}
        self._postings: defaultdict[str, list[int]] = defaultdict(list)

    def learn_one(self, session: int, product_id: str) -> None:
        """Learn that a session went on to a product."""
        number = self._numbers.get(session)
        if number is None:
            number = self._numbers[session] = len(self._sessions)
            self._sessions.append([])
        products = self._sessions[number]
        if product_id not in products:
            self._postings[product_id].append(number)
        products.append(product_id)

    def next_best(self, viewed: Sequence[str], most: int = 20) -> list[Suggestion]:
        """Return what comes next after these (latest first), best first."""
        weights = {name: exp(-_PLACE_FADE * z) for z, name in enumerate(dict.fromkeys(viewed))}
        touched: set[int] = set()
        for name in weights:
            touched.update(self._postings.get(name, ())[-LOOKED_AT:])
        scores: defaultdict[str, float] = defaultdict(float)
        for similarity, number in self._neighbours(weights, touched):
            self._speak(scores, number, similarity, weights)
        return _best(scores, most, viewed[0] if viewed else None)

    def memory(self) -> Memory:
        """Return what this holds."""
        postings = sum(size_of(numbers) for numbers in self._postings.values())
        steps = sum(map(size_of, self._sessions))
        return Memory(
            len(self._postings),
            len(self._sessions),
            sum(map(len, self._sessions)),
            size_of(self._postings) + postings,
            size_of(self._numbers),
            steps,
        )

    def _neighbours(
        self, weights: Mapping[str, float], touched: set[int]
    ) -> list[tuple[float, int]]:
        """Return the most similar of the most recent sessions, with their similarities."""
        newest, similar = len(self._sessions), []
        for number in nlargest(LOOKED_AT, touched):
            products = self._sessions[number]
            shared = sum(weights.get(name, 0.0) for name in set(products))
            fade = exp((number - newest) / _AGE_SESSIONS)
            similar.append((shared * fade / sqrt(len(products)), number))
        return nlargest(NEIGHBOURS, similar)

    def _speak(
        self, scores: dict[str, float], number: int, similarity: float, weights: Mapping[str, float]
    ) -> None:
        """Let a similar session speak for its products, those nearest to the match loudest."""
        products = self._sessions[number]
        match = max(
            range(len(products)), key=lambda place: (weights.get(products[place], 0.0), place)
        )
        for place, name in enumerate(products):
            scores[name] += similarity * exp(-_DISTANCE_FADE * abs(place - match))


def _best(scores: Mapping[str, float], most: int, because: str | None) -> list[Suggestion]:
    """Return the best by score, each with its share of the best one's."""
    names = nlargest(most, scores, key=scores.__getitem__)
    highest = scores[names[0]] if names else 1.0
    return [Suggestion(name, scores[name] / highest, because) for name in names]
