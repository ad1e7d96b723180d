"""The whole app: over a real socket, its health, its description, and with its database away."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance
from sqlalchemy import text

from gateway.app import create_app
from store import customers
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The address of the app behind a real server on loopback."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        for _ in range(5000):
            if server.started:
                break
            await asyncio.sleep(0.001)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await task


async def test_a_signup_over_a_real_socket_starts_the_workflow(
    served: str, sign: Callable[..., dict[str, str]], signup: Callable[..., Any], temporal: Any
) -> None:
    body = json.dumps(signup()).encode()
    async with httpx.AsyncClient(base_url=served, trust_env=False) as http:
        answer = await http.post("/v1/events", content=body, headers=sign(body))
        assert answer.status_code == 202
        for _ in range(5000):
            if temporal.started:
                break
            await asyncio.sleep(0.001)
        assert len(temporal.started) == 1
        big = b" " * 2 * 1024 * 1024
        refused = await http.post("/v1/events", content=big, headers=sign(big))
        assert refused.status_code == 413
        health = await http.get("/healthz")
    assert health.json() == {"status": "ok", "database": "ok", "temporal": "ok", "backlog": 0}


async def test_events_are_taken_while_temporal_is_away_and_health_says_so(
    client: httpx.AsyncClient, send: Any, signup: Callable[..., Any], temporal: Any
) -> None:
    temporal.away = True
    assert (await send(signup())).status_code == 202
    health = await client.get("/healthz")
    assert health.status_code == 200
    assert health.json() == {"status": "degraded", "database": "ok", "temporal": "away", "backlog": 1}


async def test_without_its_database_nothing_is_taken(
    client: httpx.AsyncClient, send: Any, signup: Callable[..., Any], db: Database
) -> None:
    with db.begin() as c:
        c.execute(text("DROP TABLE refused"))
        c.execute(text("ALTER TABLE customers RENAME TO lost"))
    answer = await send(signup())
    assert answer.status_code == 503
    assert answer.json()["error"]["field"] == "database"
    health = await client.get("/healthz")
    assert health.status_code == 503
    assert health.json()["database"] == "away"


async def test_before_playbooks_are_applied_events_are_not_taken(
    database: Database, temporal: Any, make_config: Any, sign: Callable[..., dict[str, str]], signup: Callable[..., Any]
) -> None:
    app = create_app(make_config(), database, temporal.factory)
    body = json.dumps(signup()).encode()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        answer = await http.post("/v1/events", content=body, headers=sign(body))
    assert answer.status_code == 503
    assert "stageplay apply" in answer.json()["error"]["fix"]


async def test_a_rehearsal_needs_leave(
    db: Database, temporal: Any, make_config: Any, sign: Callable[..., dict[str, str]], signup: Callable[..., Any]
) -> None:
    app = create_app(make_config(allow_rehearsal=False), db, temporal.factory)
    event = signup()
    event["data"]["rehearsal"] = {"day_seconds": 4}
    body = json.dumps(event).encode()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        answer = await http.post("/v1/events", content=body, headers=sign(body))
    assert answer.json()["error"]["field"] == "rehearsal"
    with db.read() as c:
        assert customers.find(c, "acme") is None


async def test_the_description_covers_the_api_and_nothing_else(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert set(described["paths"]) == {"/v1/events", "/healthz"}
    assert set(described["paths"]["/v1/events"]["post"]["responses"]) >= {
        "202",
        "400",
        "401",
        "409",
        "413",
        "415",
        "422",
        "503",
    }


async def test_unknown_paths_are_answered_for_programs_and_for_people(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/nothing")).json()["error"]["field"] == "path"
    assert (await client.get("/v1/events")).status_code == 405
    page = await client.get("/nothing")
    assert page.status_code == 404
    assert "<h1>" in page.text


def test_no_generated_event_is_a_server_error(app: FastAPI, sign: Callable[..., dict[str, str]]) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)["/v1/events"]["POST"]

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        body = json.dumps(case.body).encode()
        case.body, case.headers = json.loads(body), {}
        answer = case.call(headers=sign(body), data=body)
        case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])

    check()
