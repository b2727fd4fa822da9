"""A real llama.cpp server as a process: `python llama_server.py --port P --model FILE`.

It runs by its path and imports neither Celery nor this project. With a small model it takes 200 MB.
"""

import argparse
import os
import signal

import xllamacpp

_SLOTS = 2
_TOKENS_PER_SLOT = 2048


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    enders = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, enders)  # before the server's threads exist: they inherit the mask
    server = xllamacpp.Server(parameters(arguments()))
    signal.sigwait(enders)
    del server  # ends its threads in order


def arguments() -> argparse.Namespace:
    """Returns the command line's arguments; the key is in the environment, because `ps` shows arguments to all."""
    parser = argparse.ArgumentParser(description="Serves one model with llama.cpp.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True, help="a .gguf file")
    parser.add_argument("--alias", help="the model's name in answers")
    return parser.parse_args()


def parameters(options: argparse.Namespace) -> xllamacpp.CommonParams:
    """Returns the server's settings."""
    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = _SLOTS
    params.n_ctx = _SLOTS * _TOKENS_PER_SLOT
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # two spin against each other on busy cores
    params.cache_ram_mib = 64  # the default of 8 GB is for large models
    params.endpoint_props = params.endpoint_slots = params.endpoint_metrics = True
    if options.alias:
        params.model_alias = {options.alias}
    if key := os.environ.get("LLAMA_CPP_API_KEY"):
        params.api_keys = [key]
    return params


if __name__ == "__main__":
    main()
