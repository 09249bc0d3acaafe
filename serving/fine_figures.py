"""What a server counts for the dashboard beside its metrics; the same moments, told finer."""

from collections import Counter

from config.figures import MAX_LABELS
from config.latencies import LatencyBook


class FineFigures:
    """What no metric says: every latency to 3 %, and how often each campaign was chosen."""

    def __init__(self) -> None:
        self.latencies = LatencyBook()
        self.campaigns: Counter[str] = Counter()

    def chose(self, campaign: str) -> None:
        """Count a choice; there are as many campaigns as the shop's file names."""
        if campaign in self.campaigns or len(self.campaigns) < MAX_LABELS:
            self.campaigns[campaign] += 1
