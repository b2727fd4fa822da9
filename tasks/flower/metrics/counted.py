"""What processes have counted, as Prometheus takes it: each series that is known beforehand is there from the start.

A series that comes into being with its first count would hide that count: `rate` needs a value before.
"""

from collections.abc import Iterator
from itertools import accumulate, chain, pairwise, product

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from config.chains import Chain
from config.outcomes import RULES
from config.settings import Settings
from worker.errors import ResultForgotten, TaskFailed
from worker.telemetry.metrics import instruments
from worker.telemetry.metrics.counts import LAST, Labels
from worker.telemetry.metrics.instruments import INSTRUMENTS, Instrument
from worker.telemetry.metrics.stored import Histogram, Sums

FAILURES = tuple(sorted(each.__name__ for each in TaskFailed.__subclasses__() if each is not ResultForgotten))
"""The errors of completions that failed for good."""

_FAILED_OVER = (*(str(each) for each, rule in RULES.items() if rule.next_provider != "never"), instruments.SKIPPED)


def families(settings: Settings, sums: Sums) -> Iterator[Metric]:
    """Yields a family for each instrument, with a sample for each known set of labels and each that was counted."""
    for instrument in INSTRUMENTS:
        found = sums.counters if instrument.kind == "counter" else sums.histograms
        counted = {labels for name, labels in found if name == instrument.name}
        yield _family(instrument, sorted(counted | set(known(settings, instrument))), sums)


def known(settings: Settings, instrument: Instrument) -> Iterator[Labels]:
    """Yields the labels that an instrument of a fleet with these settings may well have."""
    chains = [each for each in settings.chains.values() if each.enabled]
    match instrument:
        case instruments.COMPLETIONS:
            outcomes = (instruments.ANSWERED, *FAILURES, "Revoked")
            yield from product((each.name for each in chains), outcomes)
            yield from (("", outcome) for outcome in ("InvalidRequest", "UnknownChain"))
        case instruments.ATTEMPTS:
            yield from ((*pair, outcome) for pair in models(settings) for outcome in instruments.OUTCOMES)
        case instruments.TOKENS:
            yield from ((*pair, kind) for pair in models(settings) for kind in instruments.KINDS)
        case instruments.COST_USD | instruments.WASTED_COST_USD:
            yield from ((*pair, each.name) for each in chains for pair in models(settings) if pair[0] in each.providers)
        case instruments.FAILOVERS:
            yield from ((*pair, outcome) for each in chains for pair in _neighbours(each) for outcome in _FAILED_OVER)
        case instruments.BREAKER_TRANSITIONS:
            causes = [(to, cause) for to, causes in instruments.TRANSITIONS.items() for cause in causes]
            yield from ((provider, *each) for provider in settings.providers for each in causes)
        case _:
            names = {"chain": [each.name for each in chains], "provider": list(settings.providers)}
            yield from product(*(names[label] for label in instrument.labels))


def models(settings: Settings) -> list[tuple[str, str]]:
    """Returns the models of the configuration, each after its provider."""
    providers = settings.providers.items()
    pairs = chain.from_iterable(((name, model.name) for model in each.models.values()) for name, each in providers)
    return [pair for pair in dict.fromkeys(pairs) if pair[1]]


def _neighbours(each: Chain) -> Iterator[tuple[str, str]]:
    """Yields the pairs of providers between which a chain most often fails over: of a group, each two."""
    yield from pairwise(each.providers)
    yield from (pair for group in each.groups for pair in product(group, group) if pair[0] != pair[1])


def _family(instrument: Instrument, samples: list[Labels], sums: Sums) -> Metric:
    if instrument.kind == "counter":
        counter = CounterMetricFamily(instrument.family, instrument.text, labels=instrument.labels)
        for labels in samples:
            counter.add_metric(labels, sums.counters.get((instrument.name, labels), 0.0))
        return counter
    histogram = HistogramMetricFamily(instrument.family, instrument.text, labels=instrument.labels)
    for labels in samples:
        found = sums.histograms.get((instrument.name, labels), Histogram())
        bounds: tuple[float | str, ...] = (*instrument.bounds, LAST)
        cumulated = accumulate(found.buckets[bound] for bound in bounds)
        histogram.add_metric(labels, list(zip(map(str, bounds), cumulated, strict=True)), found.sum)
    return histogram
