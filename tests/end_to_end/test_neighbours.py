"""Other Celery applications on the fleet's database: what is theirs stays as it is."""

import json

from tests.end_to_end.local_cluster import LocalSetup
from tests.end_to_end.vendors import QUESTION, attempts_of

LONG_AGO = 1.0


def test_what_a_neighbour_has_in_hand_is_not_swept(shared_setup: LocalSetup) -> None:
    redis = shared_setup.store.redis
    theirs = json.dumps([{"headers": {"id": "theirs"}, "properties": {}}, "celery", "celery"])
    redis.hset("unacked", "tag", theirs)
    redis.zadd("unacked_index", {"tag": LONG_AGO})
    # A completion that nobody holds any more: once it is answered, workers have swept.
    result = shared_setup.complete(QUESTION, queue="elsewhere")
    message = redis.rpop("elsewhere\x06\x166")
    ours = json.loads(message)
    ours["properties"]["delivery_info"] |= {"exchange": "", "routing_key": "completions"}
    redis.hset("{fallback}:2:unacked", "tag", json.dumps([ours, "", "completions"]))
    redis.zadd("{fallback}:2:unacked_index", {"tag": LONG_AGO})
    assert attempts_of(result.get(timeout=30)) == [("claude", "success")]
    assert redis.hgetall("unacked") == {"tag": theirs}
    assert redis.zscore("unacked_index", "tag") == LONG_AGO
    assert not redis.exists("celery", "{fallback}:2:quarantine")
    redis.delete("unacked", "unacked_index")
