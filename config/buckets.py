"""Upper bounds (seconds) of all histograms of latencies: the same everywhere, so they add up.

Fine where the bars of a decision lie, 4 ms for the median and 15 ms for the 99th percentile, and
with a bound at the default cut-off, 50 ms, which the objective of the alert rules counts at.
"""

LATENCY_BUCKETS = (
    0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025,
    0.035, 0.05, 0.065, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
)  # fmt: skip
