"""Exit with 0 if the container's Jupyter server answers, alone or on a hub, and with 1 otherwise."""

import json
import os
import sys
import urllib.request
from urllib.parse import urlsplit

service = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL") or "http://0.0.0.0:8888/")
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never through a proxy
try:
    with direct.open(f"http://127.0.0.1:{service.port or 8888}{service.path or '/'}api", timeout=4) as response:
        sys.exit("version" not in json.load(response))
except (OSError, ValueError) as error:
    sys.exit(f"no answer: {error}")  # exit code 1
