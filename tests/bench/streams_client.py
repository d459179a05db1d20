"""Holds N streaming calls and reads their events as a program would that works with the text.

    python3 streams_client.py URL BODY_FILE KEY N

One thread, asyncio from the standard library, no client library in between: the least that
Python can do. Each event's JSON is parsed and the text of its delta counted."""
import asyncio
import json
import resource
import sys
from urllib.parse import urlsplit


async def read_events(reader):
    """Chunked transfer coding of HTTP/1.1; pieces of events are put together."""
    left = b""
    while size := int(await reader.readline(), 16):
        left += await reader.readexactly(size)
        await reader.readexactly(2)
        *events, left = left.split(b"\n\n")
        for event in events:
            yield event


async def call(host, port, request):
    reader, writer = await asyncio.open_connection(host, port, limit=4096)
    writer.write(request)
    await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    text = 0
    async for event in read_events(reader):
        data = json.loads(event[event.index(b"data: ") + 6:])
        if data["type"] == "content_block_delta":
            text += len(data["delta"].get("text", ""))
    writer.close()
    return text


async def main(url, body_file, key, count):
    at = urlsplit(url)
    with open(body_file, "rb") as file:
        body = file.read()
    head = (f"POST {at.path} HTTP/1.1\r\nhost: {at.netloc}\r\nx-api-key: {key}\r\n"
            "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n").encode()
    calls = []
    for i in range(int(count)):
        calls.append(asyncio.create_task(call(at.hostname, at.port, head + body)))
        if i % 50 == 49:  # no faster than connections are taken
            await asyncio.sleep(0.02)
    await asyncio.gather(*calls)


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(main(*sys.argv[1:5]))
