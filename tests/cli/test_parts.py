"""The parts by themselves, as the containers run them: the same commands, a real PostgreSQL, a Temporal of its own."""

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from cli.story import KUMO
from store.database import now

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
Start = Callable[..., Any]


@pytest.fixture
def temporal(unused_port: int) -> Iterator[str]:
    """The address of a Temporal server without our search attributes."""
    binary = str(Path(sys.executable).with_name("temporal"))
    argv = [binary, "server", "start-dev", "--headless", "--log-level", "error", "--port", str(unused_port)]
    with subprocess.Popen(argv) as server:
        yield f"127.0.0.1:{unused_port}"
        server.terminate()


@pytest.fixture
def settings(new_postgresql: Callable[[], str], temporal: str, unused_port: int, tmp_path: Path) -> dict[str, str]:
    """Settings as an operator would give them."""
    return {
        "STAGEPLAY_DATABASE_URL": new_postgresql(),
        "STAGEPLAY_WEBHOOK_SECRET": KEY,
        "STAGEPLAY_LINK_SECRET": "l" * 32,
        "STAGEPLAY_PORT": str(unused_port + 1),
        "STAGEPLAY_VAR_DIR": str(tmp_path / "var"),
        "TEMPORAL_ADDRESS": temporal,
    }


def test_worker_and_gateway_run_on_postgresql_and_another_temporal(
    start: Start, settings: dict[str, str], wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    early = start("gateway", **settings)
    assert early.end() == 3
    assert early.said[0] == "there is nothing in the database yet"

    assert start("migrate", **settings).end() == 0
    assert start("apply", **settings).end() == 0
    worker, gateway = start("worker", **settings), start("gateway", **settings)
    worker.until("worker ready")
    gateway.until(r"dashboard \(signs in once\): http")
    address = f"http://127.0.0.1:{settings['STAGEPLAY_PORT']}"
    wait_until(lambda: healthy(address))
    assert sign_up(address) == 202
    wait_until(lambda: customers(start, settings) == 1)

    assert worker.stop(signal.SIGTERM) == 0
    assert gateway.stop(signal.SIGTERM) == 0
    absent = start("status", **settings)
    assert absent.end() in {0, 3}  # Temporal remembers a poller for minutes


def test_a_gateway_whose_temporal_is_away_takes_events_and_says_so(
    start: Start, settings: dict[str, str], wait_until: Callable[[Callable[[], bool]], None], unused_port: int
) -> None:
    alone = {**settings, "TEMPORAL_ADDRESS": f"127.0.0.1:{unused_port + 2}"}
    assert start("migrate", **alone).end() == 0
    assert start("apply", **alone).end() == 0
    gateway = start("gateway", **alone, STAGEPLAY_DASHBOARD_TOKEN="d" * 32)
    address = f"http://127.0.0.1:{settings['STAGEPLAY_PORT']}"
    wait_until(lambda: healthy(address))
    assert sign_up(address) == 202
    health = httpx.get(f"{address}/healthz", trust_env=False).json()
    assert (health["status"], health["backlog"]) == ("degraded", 1)
    with httpx.Client(base_url=address, trust_env=False, follow_redirects=True) as browser:
        assert browser.post("/sign-in", data={"token": "d" * 32, "acting": "mara"}).is_success
        assert browser.get("/problems").is_success
    assert gateway.stop(signal.SIGTERM) == 0


def healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False


def sign_up(address: str) -> int:
    at = now()
    body = json.loads(KUMO.signup_envelope("kumo", 4))
    del body["data"]["rehearsal"]  # this gateway does not allow it
    text = json.dumps(body)
    headers = {
        "content-type": "application/json",
        "webhook-id": "signup",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(KEY).sign("signup", at, text),
    }
    return httpx.post(f"{address}/v1/events", content=text, headers=headers, trust_env=False).status_code


def customers(start: Start, settings: dict[str, str]) -> int:
    """How many customers `status` counts once nothing waits for delivery."""
    status = start("status", **settings)
    assert status.end() == 0, status.said
    words = status.said[0].split()
    return int(words[2]) if words[4] == "0" else -1
