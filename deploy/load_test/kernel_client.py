"""A kernel as a browser sees it: messages over one websocket, widgets included."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

PROTOCOL = "v1.kernel.websocket.jupyter.org"
VIEW = "application/vnd.jupyter.widget-view+json"


class KernelDied(Exception):
    """The kernel ended while something was awaited of it."""


@dataclass
class Request:
    """One message to the kernel, and all that comes back for it."""

    done: asyncio.Future[None]
    sent: float
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] | None = None
    needs_reply: bool = True
    idle: bool = False
    pictures: list[float] = field(default_factory=list)  # when each new picture had come
    first_output: float | None = None
    seconds: float = 0.0


class Kernel:
    """The browser's end of the channel to one kernel."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self.socket, self.session = socket, session
        self.requests: dict[str, Request] = {}
        self.models: dict[str, dict[str, Any]] = {}  # state of every widget
        self.dropped = 0  # messages that the server says it has held back
        self.deaths = 0
        self.heard = 0  # bytes
        self.reader = asyncio.create_task(self._read())

    async def close(self) -> None:
        """Close the channel; the kernel goes on."""
        self.reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.reader
        await self.socket.close()

    async def execute(self, code: str, limit: float = 300.0) -> Request:
        """Run code and wait until the kernel is idle again.

        Raises
        ------
        KernelDied
            If it died meanwhile.
        TimeoutError
            After `limit` seconds.
        """
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True,
                   "stop_on_error": True}  # fmt: skip
        return await self._await(await self.send("execute_request", content), limit)

    async def move(self, model: str, value: float, limit: float = 60.0) -> Request:
        """Set a widget's value, as its field in the browser does, and wait until the kernel is idle again."""
        self.models[model]["value"] = value
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        return await self._await(
            await self.send("comm_msg", {"comm_id": model, "data": data}, needs_reply=False), limit
        )

    async def information(self, limit: float = 300.0) -> Request:
        """Ask for the kernel's own description: what answers first is a kernel that is ready."""
        return await self._await(await self.send("kernel_info_request", {}), limit)

    async def send(self, kind: str, content: dict[str, Any], *, needs_reply: bool = True) -> Request:
        """Send a message and do not wait."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "username": "", "session": self.session, "msg_type": kind, "version": "5.3",
                  "date": datetime.now(UTC).isoformat()}  # fmt: skip
        parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
        request = Request(asyncio.get_running_loop().create_future(), time.monotonic(), needs_reply=needs_reply)
        self.requests[number] = request
        await self.socket.send_bytes(serialize_msg_to_ws_v1(parts, "shell"))
        return request

    async def _await(self, request: Request, limit: float) -> Request:
        async with asyncio.timeout(limit):
            await request.done
        return request

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type != aiohttp.WSMsgType.BINARY:
                continue
            self.heard += len(message.data)
            channel, parts = deserialize_msg_from_ws_v1(message.data)
            header, parent, _, content = (json.loads(part) for part in parts[:4])
            self._take(channel, header, parent, content)
        self._fail(KernelDied("the channel was closed"))

    def _take(self, channel: str, header: dict[str, Any], parent: dict[str, Any], content: dict[str, Any]) -> None:
        kind = header["msg_type"]
        request = self.requests.get(parent.get("msg_id", ""))
        if kind == "status" and content["execution_state"] in ("restarting", "autorestarting", "dead"):
            self.deaths += 1
            self._fail(KernelDied(f"the kernel is {content['execution_state']}"))
        elif kind == "comm_open":
            self.models[content["comm_id"]] = content["data"].get("state", {})
        elif kind == "comm_msg":
            self._update(content, request)
        elif request is None:
            if kind == "stream" and "rate exceeded" in content.get("text", ""):
                self.dropped += 1
        elif channel == "shell":
            request.reply = content
        elif kind == "status":
            request.idle = content["execution_state"] == "idle"
        elif kind in ("stream", "display_data", "execute_result", "error", "update_display_data", "clear_output"):
            if kind == "stream" and "rate exceeded" in content["text"]:
                self.dropped += 1
            request.first_output = request.first_output or time.monotonic()
            put_out(request.outputs, kind, content)
        if request and request.idle and (request.reply or not request.needs_reply) and not request.done.done():
            request.seconds = time.monotonic() - request.sent
            request.done.set_result(None)
            del self.requests[parent["msg_id"]]

    def _update(self, content: dict[str, Any], request: Request | None) -> None:
        state = self.models.get(content["comm_id"])
        if state is None or content["data"].get("method") != "update":
            return
        state.update(content["data"]["state"])
        if request and state.get("_model_name") == "HTMLModel" and "<svg" in content["data"]["state"].get("value", ""):
            request.pictures.append(time.monotonic() - request.sent)

    def _fail(self, error: Exception) -> None:
        for request in self.requests.values():
            if not request.done.done():
                request.done.set_exception(error)
                request.done.exception()  # whoever awaits it sees it; nobody has to
        self.requests.clear()

    def field(self, outputs: list[dict[str, Any]], description: str) -> str:
        """Return the widget with that description in a figure that a cell has put out.

        Raises
        ------
        LookupError
            If there is none.
        """
        pending = [output["data"][VIEW]["model_id"] for output in outputs if VIEW in output.get("data", {})]
        while pending:
            model = pending.pop()
            state = self.models[model]
            if state.get("description") == description and "value" in state:
                return model
            pending += [child.removeprefix("IPY_MODEL_") for child in state.get("children", [])]
        raise LookupError(f"no field {description!r} in this figure")


def put_out(outputs: list[dict[str, Any]], kind: str, content: dict[str, Any]) -> None:
    """Add an output to a cell's, as JupyterLab keeps them in the notebook."""
    if kind == "clear_output":
        outputs.clear()
    elif kind == "stream":
        if outputs and outputs[-1].get("name") == content["name"]:
            outputs[-1]["text"] += content["text"]
        else:
            outputs.append({"output_type": "stream", "name": content["name"], "text": content["text"]})
    elif kind == "error":
        names = ("ename", "evalue", "traceback")
        outputs.append({"output_type": "error", **{name: content[name] for name in names}})
    elif kind == "update_display_data":
        for output in outputs:
            if output.get("transient") == content.get("transient"):
                output.update(data=content["data"], metadata=content["metadata"])
    else:
        number = {"execution_count": content["execution_count"]} if kind == "execute_result" else {}
        kept = {name: content[name] for name in ("data", "metadata", "transient") if content.get(name) is not None}
        outputs.append({"output_type": kind, **kept, **number})


def text_of(outputs: list[dict[str, Any]]) -> str:
    """Return what a cell has put out, as plain text."""
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain") or o.get("evalue", "") for o in outputs)
