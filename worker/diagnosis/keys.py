"""What the workers have of the providers' keys, and whether it is what this process has."""

from collections.abc import Iterator

from config.providers import DISABLED
from worker.diagnosis.facts import Facts
from worker.diagnosis.problem import Problem

ROTATE = "see docs/how-to/rotate-a-key.md"


def differing(facts: Facts, provider: str) -> dict[str, list[str]]:
    """Returns the names of the workers by the fingerprint of their key; those without a key are left out."""
    found: dict[str, list[str]] = {}
    for worker in facts.working:
        if key := worker.keys.get(provider):
            found.setdefault(key, []).append(worker.name)
    return found


def problems(facts: Facts) -> Iterator[Problem]:
    """Yields for each provider whether some workers lack it, and whether keys differ."""
    for name, provider in facts.settings.providers.items():
        if provider.missing == DISABLED or not facts.working:
            continue
        yield from _lacking(facts, name)
        held = differing(facts, name)
        here = facts.keys.get(name)
        if len(held) > 1:
            third = f", this shell a third one ({here})" if here and here not in held else ""
            yield Problem("key-differs", name, f"{_different(facts, name)}{third}", None, _alike(facts, name))
        elif held and here and here not in held:
            what = f"this shell's key ({here}) is another than that of the workers ({next(iter(held))})"
            yield Problem("key-differs", name, what, None, _same(facts, name))


def refused_on(facts: Facts, provider: str) -> tuple[str, str]:
    """Returns which workers had the key that a provider has refused, to be put behind that fact, and the cure.

    The lock holds for the whole fleet, also for workers whose key is good: so it matters who has which.
    """
    held, refused = differing(facts, provider), facts.breakers[provider].refused.split()
    variable = facts.settings.providers[provider].api_key_env or "its key"
    bad = {key: names for key, names in held.items() if key in refused}
    good = {key: names for key, names in held.items() if key not in refused}
    if bad and good:
        what = f": that of {_listed(bad)}; nobody asks it, nor do those with another key: {_listed(good)}"
        drain = "; ".join(f"fallback drain {name}" for names in bad.values() for name in names)
        return what, f"take it out of service: {drain}; {_alike(facts, provider)}, and restart"
    if refused and good:
        what = f": one that no worker has any more ({', '.join(refused)}); they have {_listed(good)}"
        return what, f"nothing if theirs is good ({variable}) and probes run (celery -A tasks worker -Q probes)"
    which = ", and the workers have different keys" if len(held) > 1 else ""
    return which, f"set a good key ({variable}) on every worker and restart them, {ROTATE}"


def _different(facts: Facts, provider: str) -> str:
    """Returns which workers have which key, and which of these the vendor has refused."""
    held, refused = differing(facts, provider), facts.breakers[provider].refused.split()
    what = f"the workers have different keys ({_listed(held)})"
    bad = [key for key in held if key in refused]
    return f"{what}; the vendor refused {', '.join(bad)}" if bad else what


def _alike(facts: Facts, provider: str) -> str:
    """Returns how workers come to have one key: those whose key was refused take that of the others."""
    held, refused = differing(facts, provider), facts.breakers[provider].refused.split()
    bad = [name for key, names in held.items() if key in refused for name in names]
    if not bad or all(key in refused for key in held):
        return _same(facts, provider)
    variable = facts.settings.providers[provider].api_key_env
    return f"give {', '.join(bad)} the key of the others{f' ({variable})' if variable else ''}, {ROTATE}"


def _listed(held: dict[str, list[str]]) -> str:
    return "; ".join(f"{key} on {', '.join(names)}" for key, names in held.items())


def _lacking(facts: Facts, name: str) -> Iterator[Problem]:
    lacking = [worker for worker in facts.working if name in worker.missing]
    is_here = facts.settings.providers[name].missing is None
    if not lacking or (len(lacking) == len(facts.working) and not is_here):
        return
    on = f"{lacking[0].missing[name]} on {len(lacking)} of {len(facts.working)} workers"
    here = ", but in this shell" if len(lacking) == len(facts.working) else ""
    names = ", ".join(worker.name for worker in lacking)
    cure = f"set {_variable(facts, name)} there and restart them ({names})"
    yield Problem("not-configured", name, f"{on}{here}", None, cure)


def _same(facts: Facts, name: str) -> str:
    variable = facts.settings.providers[name].api_key_env
    return f"give all one key ({variable}), {ROTATE}" if variable else f"give all one key, {ROTATE}"


def _variable(facts: Facts, name: str) -> str:
    provider = facts.settings.providers[name]
    return provider.wanted or provider.api_key_env or provider.base_url_env or "what it wants"
