"""The Celery application of this code base, and the signature of Fallback's task.

The task's name, the queue and the priority are all that a producer needs. A message without a priority counts as 0,
and Redis serves 0 first, so set one: 3, 6 or 9. If this code base has tasks and workers of its own, give them another
Redis database and another application.
"""

from celery import Celery

import config

app = Celery("shop", broker=config.REDIS_URL, backend=config.REDIS_URL)
app.conf.broker_transport_options = {"socket_connect_timeout": 2, "socket_timeout": 5}

complete = app.signature("fallback.complete", queue="completions", priority=6)
