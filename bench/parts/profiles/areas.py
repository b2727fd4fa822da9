"""The areas of a completion's work, and the functions that they begin at."""

from collections.abc import Iterator

AREAS: dict[str, tuple[str, ...]] = {
    "fetch messages": (
        "tasks.transport.channel:Channel._brpop_start",
        "tasks.transport.channel:Channel._brpop_read",
        "kombu.transport.redis:MultiChannelPoller.on_poll_start",
    ),
    "decode a message, build its request": ("kombu.transport.virtual.base:Transport._deliver",),
    "check a message": ("tasks.node.consumer:fault",),
    "hand it to a thread": ("concurrent.futures.thread:ThreadPoolExecutor.submit",),
    "check a completion's request": ("tasks.completion:_delivery",),
    "lease and admission": ("worker.chain.held_task:HeldTask.take",),
    "walk, report": ("tasks.completion:walk",),
    "build the provider's request": ("worker.providers.attempt:_body",),
    "HTTP: send, response head": ("httpx:HTTPTransport.handle_request",),
    "HTTP: body": ("worker.providers.http.client:Response.read",),
    "parse the answer": (
        "worker.providers.response:Reading._receive",
        "worker.providers.response:Reading.whole",
    ),
    "settle": ("worker.chain.held_task:HeldTask.succeed", "worker.chain.held_task:HeldTask._settle"),
    "Celery's result": (
        "celery.backends.base:Backend.mark_as_done",
        "celery.backends.base:BaseKeyValueStoreBackend._get_task_meta_for",
    ),
    "acknowledge": ("kombu.message:Message.ack_log_error",),
    "Celery's events: build": ("celery.events.dispatcher:EventDispatcher.send",),
    "Celery's events: publish": ("celery.events.dispatcher:EventDispatcher.flush",),
    "log lines": ("logging:Logger._log",),
    "trace a task, the rest; the barest task": ("celery.concurrency.thread:apply_target",),
}
"""Area -> `module:function`. What one function calls of another area counts there.

A function that is called by its bare name is given where it is called from. One that a checkout has not (any more) is
left out: its work counts to the area around it.
"""


def functions() -> Iterator[tuple[str, str, str]]:
    """Yields module, function and area."""
    for area, names in AREAS.items():
        for name in names:
            module, _, function = name.partition(":")
            yield module, function, area
