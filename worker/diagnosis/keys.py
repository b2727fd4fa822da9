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
        if len(held) > 1:
            whose = "; ".join(f"{key} on {', '.join(names)}" for key, names in held.items())
            here = facts.keys.get(name)
            third = f", this shell a third one ({here})" if here and here not in held else ""
            what = f"the workers have different keys ({whose}){third}"
            yield Problem("key-differs", name, what, None, _same(facts, name))
        elif held and facts.keys.get(name) and facts.keys[name] not in held:
            what = f"this shell's key ({facts.keys[name]}) is another than that of the workers ({next(iter(held))})"
            yield Problem("key-differs", name, what, None, _same(facts, name))


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
