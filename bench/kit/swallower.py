"""A collector that takes OTLP over HTTP and keeps nothing: `python -m bench.kit.swallower --port N`.

A GET returns how many bytes it has taken.
"""

import argparse
import asyncio
from contextlib import suppress

_HEAD = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}"


class _Swallower:
    def __init__(self) -> None:
        self._taken = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers each request of one connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                self._taken += len(await reader.readexactly(length))
                said = str(self._taken) if head.startswith(b"get ") else ""
                writer.write(_HEAD.format(len(said), said).encode())
                await writer.drain()
        writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_Swallower().serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    asyncio.run(_main(arguments.parse_args().port))
