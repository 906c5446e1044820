"""Carries TCP connections over a Unix socket, and so from one network namespace to another: files they have in common.

Run it twice: inside, where it listens on TCP and connects to the socket, and outside the other way round. It imports
nothing but the standard library, because inside it runs in an image that has nothing else.
"""

import asyncio
import sys
from functools import partial


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until one side ends."""
    try:
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
        target.write_eof()
    except ConnectionError:
        target.close()


async def carry(
    port: int, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, inside: bool
) -> None:
    """One connection, to its end."""
    there = asyncio.open_unix_connection(path) if inside else asyncio.open_connection("127.0.0.1", port)
    far_reader, far_writer = await there
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    far_writer.close()
    writer.close()


async def main(side: str, port: int, path: str) -> None:
    """Listen until killed."""
    inside = side == "inside"
    handler = partial(carry, port, path, inside=inside)
    server = await (
        asyncio.start_server(handler, "127.0.0.1", port) if inside else asyncio.start_unix_server(handler, path)
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
