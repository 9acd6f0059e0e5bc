"""A learner's browser: logs in at the hub, waits for the server, opens JupyterLab, and asks what JupyterLab asks.

What is asked for was recorded once from JupyterLab 4.6.6 in Chromium: the files of the page stand in
``page_files.txt``, the rest below.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from kernel_client import PROTOCOL, Kernel
from yarl import URL

PAGE_FILES = Path(__file__).with_name("page_files.txt").read_text(encoding="utf-8").split()
AT_ONCE = 6  # requests that a browser has open to one server
ON_OPENING = (
    "api/me",
    "lab/api/settings",
    "api/kernels",
    "api/sessions",
    "api/kernelspecs",
    "lab/api/workspaces",
    "api/kernelspecs",
    "lab/api/translations/default",
    "api/config/jupyterlabapputilsextensionannouncements",
    "lsp/status",
    "lab/api/settings/@jupyterlab/docmanager-extension:plugin",
    "lab/api/settings/@jupyterlab/codemirror-extension:plugin",
    "lab/api/translations",
    "lab/api/themes/@jupyterlab/theme-light-extension/index.css",
    "lab/api/settings/@jupyterlab/notebook-extension:panel",
    "api/contents?content=1&hash=0",
    "lab/api/settings?ids_only=true",
    "lab/api/build",
    "api/nbconvert",
)
POLLED = ("api/kernels", "api/sessions", "lab/api/workspaces", "api/contents?content=1&hash=0")
POLL_SECONDS = 10


class Refused(Exception):
    """The hub or a server answered with an error."""


class Browser:
    """One learner's cookies and connections."""

    def __init__(self, hub: str, name: str, password: str) -> None:
        self.hub, self.name, self.password = URL(hub), name, password
        self.base = self.hub / "user" / name
        self.http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # for an address without a name
            connector=aiohttp.TCPConnector(limit=0, limit_per_host=0),
            timeout=aiohttp.ClientTimeout(total=300),
            trust_env=False,
        )
        self.few = asyncio.Semaphore(AT_ONCE)
        self.fetched = 0  # bytes of the page's files

    async def close(self) -> None:
        """Close every connection."""
        await self.http.close()

    def token(self, url: URL) -> str:
        """Return the token against forged requests that the page at an address was given."""
        cookie = self.http.cookie_jar.filter_cookies(url).get("_xsrf")
        return cookie.value if cookie else ""

    async def page(self, url: URL, form: dict[str, str] | None = None) -> tuple[URL, str]:
        """Go to a page, following redirects; return where that led, and the page."""
        headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
        method = "POST" if form is not None else "GET"
        async with self.http.request(method, url, data=form, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise Refused(f"{method} {url.path}: {answer.status} {answer.reason}")
            return answer.url, text

    async def log_in(self) -> None:
        """Log in with the password."""
        address = self.hub / "hub" / "login"
        await self.page(address)
        form = {"username": self.name, "password": self.password, "_xsrf": self.token(address)}
        where, _ = await self.page(address, form)
        if where.path.endswith("/login"):
            raise Refused("the hub did not take the password")

    async def spawn(self) -> None:
        """Have the server started, and watch its progress until it is ready, as the hub's page does."""
        await self.page((self.hub / "hub" / "spawn").with_query(next=""))
        progress = self.hub / "hub" / "api" / "users" / self.name / "server" / "progress"
        address = self.hub / "hub" / "spawn-pending" / self.name
        headers = {"Accept": "text/event-stream", "X-XSRFToken": self.token(address), "Referer": str(address)}
        async with self.http.get(progress, headers=headers) as answer:
            if answer.status == 400:  # the page has led on to a server that was ready already
                return
            if answer.status >= 400:
                raise Refused(f"GET {progress.path}: {answer.status} {await answer.text()}")
            async for line in answer.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if event.get("failed"):
                        raise Refused(f"the server did not start: {event.get('message')}")
                    if event.get("ready"):
                        return
        raise Refused("the server did not start: its progress ended")

    async def stop_server(self) -> None:
        """Have the server stopped, as the button on the hub's page does."""
        address = self.hub / "hub" / "home"
        await self.page(address)
        url = self.hub / "hub" / "api" / "users" / self.name / "server"
        headers = {"X-XSRFToken": self.token(address), "Referer": str(address)}
        for _ in range(60):
            async with self.http.delete(url, headers=headers) as answer:
                if answer.status == 204:
                    return
                if answer.status not in (202, 400):  # it is being stopped
                    raise Refused(f"DELETE {url.path}: {answer.status} {await answer.text()}")
            await asyncio.sleep(1)
        raise Refused("the server did not stop")

    async def open_lab(self) -> None:
        """Load JupyterLab's page with all its files, and ask what it asks at first."""
        where, text = await self.page(self.base / "lab")
        if not where.path.startswith(f"/user/{self.name}/lab") or "jupyter-config-data" not in text:
            raise Refused(f"JupyterLab's page did not come, but {where.path}")
        main = re.findall(r'src="([^"]*/static/lab/main[^"]*)"', text)
        if not main or not any(name in main[0] for name in PAGE_FILES):
            raise Refused("JupyterLab has another version than page_files.txt was recorded with")
        await asyncio.gather(*map(self.fetch, PAGE_FILES))
        await asyncio.gather(*(self.api("GET", path) for path in ON_OPENING))
        await self.api("PUT", "lab/api/workspaces/default", {"data": {}, "metadata": {"id": "default"}})

    async def fetch(self, path: str) -> None:
        """Get one file of the page."""
        url = URL(f"{self.base}/{path}")
        async with self.few, self.http.get(url) as answer:
            self.fetched += len(await answer.read())
            if answer.status != 200:
                raise Refused(f"GET {path}: {answer.status}")

    async def api(self, method: str, path: str, content: Any = None) -> Any:
        """Make a request of the server's interface, as a script of the page does."""
        url = URL(f"{self.base}/{path}", encoded=True)
        headers = {"X-XSRFToken": self.token(self.base / "lab"), "Referer": f"{self.base}/lab",
                   "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}  # fmt: skip
        async with self.few, self.http.request(method, url, json=content, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                said = re.sub(r"\s+", " ", text)[:300]
                raise Refused(f"{method} {path}: {answer.status} {answer.reason}: {said}")
            return json.loads(text) if text and "json" in answer.content_type else text

    @contextlib.asynccontextmanager
    async def polling(self, heard: list[tuple[float, float]], errors: list[str]) -> AsyncIterator[None]:
        """Ask again and again for what JupyterLab keeps up to date; note when, and how long each round took.

        Like JupyterLab, do not mind a round that is refused, but ask again: only a second one in a row is an error.
        """

        async def poll() -> None:
            refused = False
            while True:
                await asyncio.sleep(POLL_SECONDS)
                start = time.monotonic()
                try:
                    for path in POLLED:
                        await self.api("GET", path)
                    heard.append((start, time.monotonic() - start))
                    refused = False
                except (Refused, aiohttp.ClientError, TimeoutError) as error:
                    if refused:
                        errors.append(f"polling, twice in a row: {type(error).__name__}: {error}")
                    refused = True

        task = asyncio.create_task(poll())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def open_notebook(self, name: str) -> tuple[dict[str, Any], dict[str, Any], Kernel]:
        """Open a notebook: its contents, a session with a kernel, and the channel to that, ready to run."""
        path = f"api/contents/{quote(name)}"
        await self.api("GET", f"{path}?content=0&hash=0")
        model = await self.api("GET", f"{path}?type=notebook&content=1&hash=1")
        await self.api("GET", f"{path}/checkpoints")
        await self.api("POST", f"{path}/checkpoints")
        wanted = {"path": name, "type": "notebook", "name": name, "kernel": {"name": "python3"}}
        session = await self.api("POST", "api/sessions", wanted)
        return model["content"], session, await self.channel(session["kernel"]["id"])

    async def channel(self, kernel: str) -> Kernel:
        """Open the channel to a kernel, and wait until it answers."""
        number = uuid.uuid4().hex
        url = URL(f"{self.base}/api/kernels/{kernel}/channels").with_query(session_id=number)
        socket = await self.http.ws_connect(
            url, protocols=(PROTOCOL,), max_msg_size=0, origin=str(self.hub).rstrip("/"), autoping=True
        )
        made = Kernel(socket, number)
        await made.information()
        return made

    async def save(self, name: str, notebook: dict[str, Any]) -> None:
        """Save a notebook as JupyterLab does: look, write, and make a checkpoint."""
        path = f"api/contents/{quote(name)}"
        await self.api("GET", f"{path}?content=0&hash=0")
        await self.api("PUT", path, {"type": "notebook", "format": "json", "content": notebook})
        await self.api("POST", f"{path}/checkpoints")
