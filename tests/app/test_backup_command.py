"""`gammaflip backup` on the databases of a board that is running."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from app.__main__ import main
from app.store import Store, sqlite_url
from app.store_schema import token


def row(name: str) -> dict[str, object]:
    return {"id": name, "name": name, "digest": name, "scopes": "read", "created_ms": 1}


async def test_every_database_is_copied_whole_while_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, target = tmp_path / "data", tmp_path / "copies"
    for name in ("gammaflip.db", "tokens.db"):
        store = await Store.open(sqlite_url(data / name))
        async with store.write() as connection:
            await connection.execute(insert(token), [row(f"t{i}") for i in range(20)])
        assert main(["backup", "--data-dir", str(data), str(target)]) == 0
        await store.close()
    assert {path.name for path in target.iterdir()} == {"gammaflip.db", "tokens.db"}
    assert "tokens.db" in capsys.readouterr().out
    for path in target.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        copy = await Store.open(sqlite_url(path))
        async with copy.read() as connection:
            assert (
                await connection.execute(select(func.count()).select_from(token))
            ).scalar() == 20
        await copy.close()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "there is no database in"),
        (("--database-url", "postgresql://x/y"), "pg_dump"),
    ],
)
def test_a_backup_that_is_impossible_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", "--data-dir", str(tmp_path), *arguments, str(tmp_path / "to")]) == 2
    assert sentence in capsys.readouterr().err
