"""The charting library itself: plotly.js with the traces that the page draws, a quarter of it all.

`make plotly` builds `plotly.min.js.gz` of `entry.js`; a skeleton with another trace needs it there.
"""

import gzip
from hashlib import sha256
from importlib.resources import files

from fastapi import FastAPI, Request
from starlette.responses import Response

PACKED = (files(__name__) / "plotly.min.js.gz").read_bytes()
_FOREVER = "public, max-age=31536000, immutable"  # its address changes with its content


def serve(server: FastAPI) -> str:
    """Add its route to the server and return its address."""
    address = f"/plotly-{sha256(PACKED).hexdigest()[:12]}.min.js"

    @server.get(address, include_in_schema=False)
    async def charting_library(request: Request) -> Response:
        """Return plotly.js, packed for who can unpack it."""
        headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(PACKED, media_type="text/javascript", headers=headers)
        return Response(gzip.decompress(PACKED), media_type="text/javascript", headers=headers)

    return address
