"""Medians, and how sure one can be of them."""
import math
import statistics

median = statistics.median


def interval(values, confidence=0.95):
    """(low, high, confidence reached) for the median by order statistics: no
    assumption on how the values are spread. With too few values for the
    confidence asked, the widest interval and what it is worth."""
    ordered = sorted(values)
    n = len(ordered)
    if n < 2:
        return None
    best = None
    for k in range(n // 2):
        # The median is below the k-th smallest with the chance that at most
        # k of n fair coins fall one way.
        outside = sum(math.comb(n, i) for i in range(k + 1)) / 2 ** n
        covered = 1 - 2 * outside
        if best is not None and covered < confidence:
            break
        best = (ordered[k], ordered[n - 1 - k], covered)
    return best
