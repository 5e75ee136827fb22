"""A run whose model is a small module, and requests to its explorer by plain sockets."""

from __future__ import annotations

import asyncio
import json

import torch
from torch import nn

import sparsetime
from sparsetime import seeds


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        with seeds.torch_globals(0, "initial weights of a testbed"):
            self.gru = nn.GRU(2, 8, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


def write_run(folder):
    """A store of three short series, an untrained dictionary and its index."""
    values = torch.randn(3, 100, 2, generator=seeds.torch_generator(0, "random inputs"))
    store = sparsetime.capture(Net(), values, "gru", folder / "activations", progress=False)
    sae = sparsetime.dictionary("topk", d_in=8, width=32, k=4)
    sae.save(str(folder / "topk"))
    sparsetime.index(sae, store, out=folder / "topk" / "features", progress=False)
    return folder


def port_of(explorer):
    return int(explorer.url.rstrip("/").rpartition(":")[2])


async def request(port, path, body=None):
    """Status and body of an answer, by plain sockets: the client takes no thread either."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = b"" if body is None else json.dumps(body).encode()
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode() + content)
    answer = await reader.read()
    writer.close()
    status, _, rest = answer.partition(b"\r\n\r\n")
    return int(status.split()[1]), rest
