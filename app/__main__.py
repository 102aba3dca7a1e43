"""The command line. The only module that may start the local exchange."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import structlog
import uvicorn

from app import options
from app.backup_command import backup
from app.connections import ImpatientHttp, ImpatientWebSocket
from app.lifecycle import (
    REPLAY_PREFIX,
    FeedAddress,
    StartError,
    claim_data_dir,
    find_address,
    listen,
    make_folder,
    refused_address,
)
from app.memory import collect_seldom, give_back_large_arrays
from app.options import (
    ENV,
    Finite,
    focus,
    option,
    parse_assets,
    parse_instant,
    parse_networks,
    parse_origins,
    parse_source,
    parse_token,
)
from app.settings import Settings, Source
from app.store import Store, StoreError, store_url
from app.telemetry import configure_logging
from app.token_commands import token
from app.wiring import Board, build_app
from dealers.rules import PositionModel
from exchange.config import ExchangeConfig, LimitSettings, read_index_script
from exchange.errors import ConfigError
from exchange.faults import parse_fault
from exchange.run import run_exchange
from ingest.pacing import Pacer
from ingest.recording import FrameRecorder, RecordingSink
from ingest.shared import Shared
from ingest.worker import AssetFeed

SHUTDOWN_S = 5


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("gammaflip"), prog_name="gammaflip")
def cli() -> None:
    """Show dealer gamma exposure of crypto options, live: where hedging dampens or amplifies."""


cli.add_command(token)
cli.add_command(backup)


@cli.command()
@option(
    "--source", "SOURCE", default="auto", help="auto, live, demo, replay:PATH or a ws:// address."
)
@option("--host", "HOST", default="127.0.0.1", help="Address to listen on.")
@option("--port", "PORT", default=8050, type=click.IntRange(0, 65535), help="0 picks a free one.")
@option("--assets", "ASSETS", default="BTC,ETH", help="Assets on the board.")
@options.data_dir
@option(
    "--position",
    "POSITION",
    default=PositionModel.NAIVE.value,
    type=click.Choice([model.value for model in PositionModel]),
    help="Position model of readers who name none.",
)
@options.database_url
@option(
    "--alert-allow-cidrs",
    "ALERT_ALLOW_CIDRS",
    default="",
    help="Private networks that webhooks may reach.",
)
@option(
    "--allowed-hosts",
    "ALLOWED_HOSTS",
    default="",
    help="Host names that a proxy or container gives this board.",
)
@option(
    "--embed-origins",
    "EMBED_ORIGINS",
    default="",
    help="Sites that may frame a panel of /embed/, or *.",
)
@option("--demo-webhooks", "DEMO_WEBHOOKS", is_flag=True, help="Deliver webhooks for demo data.")
@option(
    "--read-token-required",
    "READ_TOKEN_REQUIRED",
    is_flag=True,
    help="Ask for a token on reads too.",
)
@option(
    "--rate-limit",
    "RATE_LIMIT",
    default=20.0,
    type=Finite(0, 10_000),
    help="Requests a second of one client on another machine; 0 for no limit.",
)
@option(
    "--replay-speed",
    "REPLAY_SPEED",
    default=1.0,
    type=Finite(0, min_open=True),
    help="Pace of a replay.",
)
@focus
@option("--json-logs", "JSON_LOGS", is_flag=True, help="One JSON object a line.")
def run(*, json_logs: bool, **chosen: Any) -> None:
    """Run the whole board in one process: feed, engine, REST, push, page, alerts."""
    configure_logging(as_json=json_logs or not sys.stderr.isatty())
    give_back_large_arrays()
    asyncio.run(_run_board(_settings(**chosen)))


@cli.command()
@option("--source", "SOURCE", default="live", help="live, demo or a ws:// address.")
@option("--assets", "ASSETS", default="BTC,ETH", help="Assets to record.")
@focus
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def record(*, source: str, assets: str, focus: int, folder: Path) -> None:
    """Keep the raw frames of a feed in FOLDER until stopped; `run --source replay:FOLDER`."""
    configure_logging(as_json=not sys.stderr.isatty())
    if source.startswith(REPLAY_PREFIX):
        raise click.BadParameter("expected live, demo or an address", param_hint="--source")
    make_folder(folder, "the folder", "FOLDER")
    with suppress(KeyboardInterrupt):
        asyncio.run(_record(parse_source(source), parse_assets(assets), focus, folder))


@cli.command()
@option("--host", "EXCHANGE_HOST", default="127.0.0.1", help="Address to listen on.")
@option(
    "--port",
    "EXCHANGE_PORT",
    default=8600,
    type=click.IntRange(0, 65535),
    help="0 picks a free one.",
)
@option(
    "--seed",
    "EXCHANGE_SEED",
    default=1,
    type=click.IntRange(0),
    help="Seed of the synthetic market.",
)
@option(
    "--replay",
    "EXCHANGE_REPLAY",
    default=None,
    type=click.Path(exists=True, path_type=Path),
    help="Recorded chains instead.",
)
@option(
    "--speed",
    "EXCHANGE_SPEED",
    default=1.0,
    type=Finite(0, 1_000_000, min_open=True),
    help="Exchange seconds per second.",
)
@option("--start", "EXCHANGE_START", default=None, help="Exchange time to begin at, ISO 8601.")
@option(
    "--index-script",
    "EXCHANGE_INDEX_SCRIPT",
    default=None,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the header seconds,asset,price.",
)
@option("--assets", "EXCHANGE_ASSETS", default="BTC,ETH", help="Assets of the synthetic market.")
@option(
    "--activity",
    "EXCHANGE_ACTIVITY",
    default=1.0,
    type=Finite(0, 1_000),
    help="Trades, times the usual.",
)
@option(
    "--certificate",
    "EXCHANGE_CERTIFICATE",
    default=None,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM with its key: serve TLS.",
)
@option("--testnet", "EXCHANGE_TESTNET", is_flag=True, help="Say `testnet: true` in envelopes.")
@option("--no-limits", "EXCHANGE_NO_LIMITS", is_flag=True, help="Drop the venue's rate limits.")
@option(
    "--fault",
    "EXCHANGE_FAULT",
    multiple=True,
    help="NAME[:ARGUMENT][@AFTER][+DURATION], repeatable; seconds.",
)
@option("--control", "EXCHANGE_CONTROL", is_flag=True, help="Open POST /control.")
def exchange(
    *,
    start: str | None,
    index_script: Path | None,
    assets: str,
    no_limits: bool,
    fault: tuple[str, ...],
    **chosen: Any,
) -> None:
    """Run a local exchange that speaks the Deribit protocol, on simulated data or a recording."""
    configure_logging(as_json=not sys.stderr.isatty())
    config = ExchangeConfig(
        **chosen,
        assets=parse_assets(assets),
        start_ms=None if start is None else parse_instant(start),
        index_script=() if index_script is None else read_index_script(index_script),
        limits=LimitSettings(None, method_credits=False) if no_limits else LimitSettings(),
        faults=tuple(map(parse_fault, fault)),
    )

    def ready(port: int) -> None:
        click.echo(announce_exchange(config, port))

    try:
        asyncio.run(run_exchange(config, ready))
    except (OSError, UnicodeError) as error:
        raise refused_address(config.host, config.port, error) from error


async def _run_board(settings: Settings) -> None:
    """Claim what the board needs, then serve until a signal."""
    async with AsyncExitStack() as stack:
        stack.enter_context(claim_data_dir(settings.data_dir))
        listener = stack.enter_context(listen(settings))
        address = await _find_feed(settings.source, settings.assets, stack)
        store = await Store.open(store_url(settings, address.source))
        stack.push_async_callback(store.close)
        tokens = await Store.open_tokens(settings)
        stack.push_async_callback(tokens.close)
        board = Board(settings, address, store, tokens)
        await board.alerts.start()  # nobody may be told that a kept rule does not exist
        server = uvicorn.Server(
            uvicorn.Config(
                build_app(board),
                log_level="warning",
                log_config=None,
                http=ImpatientHttp,
                ws=ImpatientWebSocket,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=SHUTDOWN_S,
                server_header=False,
            )
        )
        click.echo(_announcement(address, *listener.getsockname()[:2]))
        # once it has drained, the server raises the signal again: being asked to end is no failure,
        # and must not cancel what is closed then
        for asked in (signal.SIGINT, signal.SIGTERM):
            signal.signal(asked, signal.SIG_IGN)
        collect_seldom()
        await server.serve(sockets=[listener])
        if board.has_died:
            raise StartError("the board stopped after an error; the log says which")


async def _record(source: str, assets: tuple[str, ...], focus: int, folder: Path) -> None:
    """Write down what the feeds of `assets` hear, until cancelled."""
    recorder = FrameRecorder(folder, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    async with AsyncExitStack() as stack:
        stack.callback(recorder.flush)
        address = await _find_feed(source, assets, stack)
        click.echo(f"recording {', '.join(assets)} from {address.url} into {recorder.path}")
        pacer, shared = Pacer(), Shared()
        async with asyncio.TaskGroup() as group:
            for asset in assets:
                feed = AssetFeed(asset, time.monotonic, pacer, focus, shared)
                sink = RecordingSink(asset, feed, recorder)
                group.create_task(feed.run(address.url, random.Random(), sink))  # noqa: S311


async def _find_feed(source: str, assets: tuple[str, ...], stack: AsyncExitStack) -> FeedAddress:
    """Find the feed, starting a demo's; every later line of the log says the source."""
    address = await find_address(source)
    shown = Source.DEMO if address is None else address.source
    structlog.contextvars.bind_contextvars(source=shown.value)
    if address is None:
        return await stack.enter_async_context(_demo(assets))
    return address


@asynccontextmanager
async def _demo(assets: tuple[str, ...]) -> AsyncIterator[FeedAddress]:
    """Run the local exchange beside the board."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    config = ExchangeConfig(host="127.0.0.1", port=0, assets=assets)
    exchange_task = asyncio.create_task(run_exchange(config, port.set_result))
    started: set[asyncio.Future[Any]] = {exchange_task, port}
    await asyncio.wait(started, return_when=asyncio.FIRST_COMPLETED)
    if not port.done():
        await exchange_task  # raises what stopped it
    try:
        yield FeedAddress(f"ws://127.0.0.1:{port.result()}/ws/api/v2", Source.DEMO)
    finally:
        exchange_task.cancel()
        with suppress(asyncio.CancelledError):
            await exchange_task


def _announcement(address: FeedAddress, host: str, port: int) -> str:
    note = " (simulated data)" if address.source == Source.DEMO else ""
    name = f"gammaflip {version('gammaflip')}"
    return f"{name} · source: {address.source.value}{note} · http://{_authority(host, port)}/"


def announce_exchange(config: ExchangeConfig, port: int) -> str:
    """Say where an exchange listens and whether its data is simulated or recorded."""
    scheme = "ws" if config.certificate is None else "wss"
    data = "simulated data" if config.replay is None else "recorded chains"
    return f"gammaflip exchange: {scheme}://{_authority(config.host, port)}/ws/api/v2 ({data})"


def _authority(host: str, port: int) -> str:
    """Return the part of an address between the slashes, for copying."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _settings(**chosen: Any) -> Settings:
    """Turn the options into settings; `click.BadParameter` names what is wrong."""
    return Settings(
        source=parse_source(chosen["source"]),
        host=chosen["host"],
        port=chosen["port"],
        assets=parse_assets(chosen["assets"]),
        data_dir=chosen["data_dir"],
        position=PositionModel(chosen["position"]),
        focus=chosen["focus"],
        replay_speed=chosen["replay_speed"],
        token=parse_token(os.environ.get(ENV + "TOKEN", "")),
        read_token_required=chosen["read_token_required"],
        rate_limit=chosen["rate_limit"],
        allowed_hosts=tuple(filter(None, map(str.strip, chosen["allowed_hosts"].split(",")))),
        alert_allow_cidrs=parse_networks(chosen["alert_allow_cidrs"]),
        database_url=chosen["database_url"],
        demo_webhooks=chosen["demo_webhooks"],
        embed_origins=parse_origins(chosen["embed_origins"]),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; a refusal is one sentence on stderr and a non-zero code."""
    try:
        cli.main(arguments, prog_name="gammaflip", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        click.echo(f"gammaflip: {error.format_message()}", err=True)
        return 2
    except ConfigError as error:
        click.echo(f"gammaflip: {error}", err=True)
        return 2
    except (StartError, StoreError) as error:
        click.echo(f"gammaflip: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
