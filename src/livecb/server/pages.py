"""The page: one HTML file for every address, and its assets, which the build puts into `static`."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from livecb.server.compression import LEAST, accepts_gzip, packed
from livecb.server.notice import notice
from livecb.server.replies import Problem

__all__ = ["STATIC", "Assets", "Pages"]

STATIC = Path(__file__).parent / "static"

_TEXTS = ("application/javascript", "application/json", "image/svg+xml")
_NOT_BUILT = """The API works: <a href="{root}api/runs">api/runs</a>.
In a source tree, <code>make page</code> builds the page; the wheels have it inside.
"""


def _small(path: str | os.PathLike[str], status: os.stat_result, scope: Scope) -> Response | None:
    """Return a file as gzip, if who asks takes that and it makes the file smaller."""
    kind = mimetypes.guess_type(path)[0] or ""
    if not kind.startswith("text/") and kind not in _TEXTS:
        return None
    if status.st_size < LEAST or not accepts_gzip(scope):
        return None
    headers = {"content-encoding": "gzip", "vary": "Accept-Encoding"}
    return Response(packed(path, status.st_mtime), media_type=kind, headers=headers)


class Assets(StaticFiles):
    """Files whose names hold a hash of their content, so that they never change."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, check_dir=False)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with a file that may be kept for ever."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        if response.status_code == 200:
            response = _small(full_path, stat_result, scope) or response
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


class Pages:
    """Handlers of the page's addresses."""

    def __init__(self, static: Path | None = None) -> None:
        self.static = static or STATIC

    async def home(self, request: Request) -> Response:
        """The list of runs."""
        return self._index("./")

    async def run(self, request: Request) -> Response:
        """One run. Whether it exists is for the page to say, which asks the API."""
        return self._index("../")

    async def run_folder(self, request: Request) -> Response:
        """With a slash at the end, relative addresses would lead elsewhere."""
        return RedirectResponse(f"../{request.path_params['run']}", 307)

    async def top_file(self, request: Request) -> Response:
        """A file beside the index, such as its icon."""
        return self._file(request, request.path_params["name"])

    async def client(self, request: Request) -> Response:
        """The client, for a front end of the user's own to import; with React's hook beside it."""
        return self._file(request, request.url.path.rpartition("/")[2])

    def _file(self, request: Request, name: str) -> Response:
        path = self.static / name
        if "/" in name or name.startswith(".") or not os.path.isfile(path):
            raise Problem(
                404, "No such page", f"there is nothing at {request.url.path}; the list of runs is at ./"
            )
        answer = _small(path, path.stat(), request.scope) or FileResponse(path)
        answer.headers["cache-control"] = "no-cache"
        return answer

    def _index(self, root: str) -> Response:
        try:
            html = (self.static / "index.html").read_bytes()
        except OSError:
            return notice("The page was not built into this installation", _NOT_BUILT.format(root=root))
        return Response(html, media_type="text/html", headers={"cache-control": "no-cache"})
