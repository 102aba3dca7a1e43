"""Secrets stay where they belong: a board is used with each of them, then all it wrote is read."""

from pathlib import Path

import pytest

from tests.hostile import hostile_receiver
from tests.processes import Board, Launcher, until

TOKEN = "gfl_a-token-that-must-never-be-written-0123456789"  # noqa: S105 - made up for this test
URL_SECRET = "path-part-that-is-a-password-9876543210"  # noqa: S105 - the same


@pytest.mark.timeout(240)
def test_no_secret_is_in_the_log_the_metrics_an_error_or_an_open_answer(launch: Launcher) -> None:
    folder, log = launch.folder / "data", launch.folder / "board.log"
    settings = {
        "GAMMAFLIP_ASSETS": "BTC",
        "GAMMAFLIP_TOKEN": TOKEN,
        "GAMMAFLIP_ALERT_ALLOW_CIDRS": "127.0.0.0/8",
        "GAMMAFLIP_DEMO_WEBHOOKS": "1",
    }
    with hostile_receiver(1) as receiver, Board("demo", folder, log, settings) as board:
        board.wait_ready(120)
        board.client.headers["Authorization"] = f"Bearer {TOKEN}"
        made = board.client.post("/api/v1/webhooks", json={"url": f"{receiver.url}/{URL_SECRET}"})
        webhook, secret = made.json()["id"], made.json()["secret"]
        rotated = board.client.post(f"/api/v1/webhooks/{webhook}/rotate").json()["secret"]
        for _ in range(3):
            board.client.post(f"/api/v1/webhooks/{webhook}/test")
        until(lambda: len(receiver.requests) >= 3, 30.0, "three requests")
        wrong = TOKEN + "x"
        answers = [
            board.client.get("/api/v1/alerts", headers={"Authorization": f"Bearer {wrong}"}),
            board.client.get(f"/api/v1/deliveries?cursor={secret}"),
            board.client.post("/api/v1/webhooks", json={"url": secret, "secret": secret}),
            board.client.get("/metrics"),
            board.client.get("/readyz"),
            board.client.get("/openapi.json"),
            board.client.get("/api/v1/webhooks"),
            board.client.get("/api/v1/deliveries"),
        ]
        assert answers[0].status_code == 401
        board.stop()
        written = board.output()
    told = "".join(answer.text for answer in answers)
    for name, value in {"token": TOKEN, "secret": secret, "new secret": rotated}.items():
        assert value not in written, f"the {name} is in the log"
        assert value not in told, f"the {name} is in an answer"
        assert value.removeprefix("whsec_") not in written
    assert URL_SECRET not in written, "an address may hold a password"
    assert_only_owner_reads(folder, TOKEN)


def assert_only_owner_reads(folder: Path, token: str) -> None:
    for path in folder.glob("*.db"):
        assert path.stat().st_mode & 0o077 == 0
        assert token.encode() not in path.read_bytes(), "a token is kept as a hash alone"
