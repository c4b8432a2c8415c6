"""The pretend Five9's file service (five9_talkdesk A6), with a token of its own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.simulators.records import file_of
from integrations.vendors.five9.simulator.refusals import RefusedError, body_of
from integrations.vendors.five9.simulator.world import ORG_ID, Five9World, Upload

if TYPE_CHECKING:
    from integrations.vendors.five9.simulator.simulator import Five9Simulator

# How often a file is asked for before it is ready.
LOOKS = 1


def file_routes(simulator: Five9Simulator) -> list[Route]:
    """Return the service's paths."""
    calls = FileService(simulator)
    files = "/file-svc/v1/domains/{org}"
    return [
        Route("/cloudauthsvcs/v1/domains/{org}/exchangefdmtoken", calls.exchange, methods=["POST"]),
        Route(f"{files}/file-upload/file-policies/GENERIC", calls.policy, methods=["POST"]),
        Route("/file-upload/{file_id}", calls.upload, methods=["PUT"]),
        Route(f"{files}/files/{{file_id}}", calls.file, methods=["GET"]),
    ]


class FileService:
    """Takes a file in four calls, each of which names what the one before it gave."""

    def __init__(self, simulator: Five9Simulator) -> None:
        self._simulator = simulator
        self._world: Five9World = simulator.world

    async def exchange(self, request: Request) -> Response:
        """Give a token for this service, for that of a conversation."""
        session = self._world.sessions.get(_bearer(request))
        if session is None or session.is_expired:
            raise RefusedError(401, "The token is not known.")
        _refuse_domain(request)
        with self._simulator.change():
            session.file_token = session.file_token or f"fdm-{uuid.uuid4()}"
        return JSONResponse({"access_token": session.file_token})

    async def policy(self, request: Request) -> Response:
        """Say where a file of this name is to be put."""
        self._verify(request)
        name = (await body_of(request)).get("fileName")
        if not isinstance(name, str) or not name:
            raise RefusedError(400, "fileName is missing.")
        with self._simulator.change():
            upload = self._world.uploads.add(Upload(file_id=str(uuid.uuid4()), name=name))
        target = f"{self._world.base_url}/file-upload/{upload.file_id}"
        return JSONResponse({"id": upload.file_id, "uploadUrl": target})

    async def upload(self, request: Request) -> Response:
        """Take a file's bytes."""
        self._verify(request, has_domain=False)
        upload, content = self._upload(request), await request.body()
        mime_type = request.headers.get("Content-Type", "")
        if not mime_type or not content:
            raise RefusedError(400, "Content-Type or the bytes are missing.")
        stored = file_of(name=upload.name, mime_type=mime_type, content=content)
        with self._simulator.change():
            self._world.files.add(stored)
            upload.download_id = stored.file_id
        return Response(status_code=200)

    async def file(self, request: Request) -> Response:
        """Say what a message can name the file by, once it has been asked a few times."""
        self._verify(request)
        upload = self._upload(request)
        with self._simulator.change():
            upload.looks += 1
        if not upload.download_id or upload.looks <= LOOKS:
            raise RefusedError(404, "The file is not ready.")
        return JSONResponse({"id": upload.file_id, "fileDownloadId": upload.download_id})

    def _verify(self, request: Request, *, has_domain: bool = True) -> None:
        tokens = {one.file_token for one in self._world.sessions.values() if one.file_token}
        if _bearer(request) not in tokens:
            raise RefusedError(401, "The token is not this service's.")
        if has_domain:
            _refuse_domain(request)

    def _upload(self, request: Request) -> Upload:
        upload = self._world.uploads.get(request.path_params["file_id"])
        if upload is None:
            raise RefusedError(404, "There is no such file.")
        return upload


def _bearer(request: Request) -> str:
    """Return the token; this service takes it behind a blank alone."""
    given = request.headers.get("Authorization", "")
    return given[7:] if given.startswith("Bearer ") else ""


def _refuse_domain(request: Request) -> None:
    if request.path_params["org"] != ORG_ID:
        raise RefusedError(403, "The domain is another one.")
