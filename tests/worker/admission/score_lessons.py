"""What an attempt teaches of scores, in plain Python: what learn_score.lua must do, said a second time."""

from typing import Any

from tests.worker.admission.breaker_circuit import Circuit
from tests.worker.admission.score_model import HOUR, MINUTE, Load, Outcomes, Speed, of_prompt
from worker.admission.score import Sample


def learn_score(c: Circuit, sample: Sample, latency: float, first_token: int) -> None:
    """Takes one attempt into a breaker, at the time last seen."""
    outcomes, now = Outcomes.now(c.score, c.seen), c.seen
    speed = Speed.now(c.speed, outcomes.at, now)
    latency = max(1, min(latency, 3.6e6))
    c.load = Load.now(c.load, now).with_length(latency)
    if not sample.answered:
        c.score = Outcomes(*_replaced(outcomes, bad=outcomes.bad + 1)).stored(now)
        c.speed = speed.stored() if speed else ()
        return
    weight = max(0.02, 1 / (outcomes.ok + 1))
    first, token = _of_idle(c, speed, sample, latency, first_token)
    c.speed = _learned(speed, first, token, now - outcomes.at).stored()
    share = min(sample.cached / max(sample.prompt, 1), 1)
    pairs = ((outcomes.cached, share), (outcomes.prompt, sample.prompt), (outcomes.output, sample.output))
    sizes = (old + weight * (new - old) for old, new in pairs)
    c.score = Outcomes(outcomes.ok + 1, outcomes.bad, *sizes).stored(now)
    c.hot_until = now + min(int(sample.scarce_ms), MINUTE) if sample.scarce_ms else 0


def _of_idle(c: Circuit, speed: Speed | None, sample: Sample, latency: float, first_token: int) -> tuple[float, Any]:
    """Returns us to the first token and per token as of an idle provider, None for the second of a short answer."""
    factor, idle = of_prompt(c, sample.prompt), 1 + round(sample.load * 1000) / 1000
    if 1 <= first_token <= latency:
        first, token = first_token * 1000 / factor, (latency - first_token) * 1000 / max(sample.output, 1)
    else:
        first, token = speed.pulled() if speed else (1_000_000, 20_000)
        times = latency * 1000 / (first * factor + token * sample.output)
        first, token = first * times, token * times
    return first / idle, token / idle if sample.output >= 16 else None


def _learned(old: Speed | None, first: float, token: float | None, since: int) -> Speed:
    if old is None:
        token = 20_000 if token is None else token
        return Speed(first, token, first, token, 1, 100)
    step = max(100, min(since, MINUTE))
    age = min(old.age + step, HOUR)
    weight, share = max(0.1, 1 / (old.samples + 1)), step / age
    first, token = min(first, 4 * old.first), min(old.token if token is None else token, 4 * old.token)
    return Speed(
        old.first + weight * (first - old.first),
        old.token + weight * (token - old.token),
        old.usual_first + share * (first - old.usual_first),
        old.usual_token + share * (token - old.usual_token),
        min(old.samples + 1, 10),
        age,
    )


def _replaced(outcomes: Outcomes, **changes: float) -> list[Any]:
    return list((vars(outcomes) | changes).values())
