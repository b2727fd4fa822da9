#!/bin/sh
# Takes a provider out of service for the whole fleet, runs a command, and puts the provider back.
#
#     sh maintenance.sh PROVIDER DURATION COMMAND [ARGUMENT ...]
#     sh maintenance.sh llama_cpp 30m systemctl restart llama-server
#
# Needs `fallback` on the path, and the REDIS_URL and FALLBACK_CONFIG of the fleet.
#
# - The breaker is forced open for DURATION (90s, 10m, 2h). If this script dies, the override ends by itself.
# - Every worker stops asking the provider at its next decision. Calls under way go on, at most attempt_timeout.
# - If the command fails, the provider stays out until DURATION has passed or somebody resets its breaker.
# - `reset` also clears an authentication lock and forgets the last calls, which say nothing of the new server.
#
# Exit status: 0 if the provider is back, else 1; 2 for wrong arguments.
set -eu

if [ $# -lt 3 ]; then
  echo "usage: sh maintenance.sh PROVIDER DURATION COMMAND [ARGUMENT ...]" >&2
  exit 2
fi
provider=$1 duration=$2
shift 2
by="maintenance by $(id -un)"

# Prints what an operator has set: "open", "closed", or "none". Prints nothing if Redis does not answer.
override() {
  fallback status --json | python3 -c '
import json, sys
[found] = [each for each in json.load(sys.stdin)["providers"] if each["provider"] == sys.argv[1]]
print(found["breaker"]["override"] or "none")
' "$provider"
}

# 1. Force the breaker open, and check it.
fallback breaker open "$provider" --for "$duration" --by "$by"
if [ "$(override)" != open ]; then
  echo "$provider is not forced open; the command was not run" >&2
  exit 1
fi

# 2. Do the work.
if ! "$@"; then
  echo "the command failed; $provider stays out for $duration, or until: fallback breaker reset $provider" >&2
  exit 1
fi

# 3. Put the provider back, and check it.
fallback breaker reset "$provider" --by "$by"
if [ "$(override)" != none ]; then
  echo "$provider still has an override; see: fallback status" >&2
  exit 1
fi
