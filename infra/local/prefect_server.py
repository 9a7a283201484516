"""Prefect's server on SQLite with writing transactions: `python -m infra.local.prefect_server server start`.

Prefect begins most transactions as readers. A reader that writes later fails at once with `database is locked` if
another transaction has written in between, whatever SQLite's timeout; a transaction that begins as a writer waits.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from prefect.cli import app
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.server.database.dependencies import temporary_database_config
from prefect.settings import get_current_settings
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction


class Sqlite(AioSqliteConfiguration):
    """SQLite whose transactions wait for each other."""

    @asynccontextmanager
    async def begin_transaction(
        self, session: AsyncSession, with_for_update: bool = False
    ) -> AsyncGenerator[AsyncSessionTransaction, None]:
        """Begin a transaction that holds the write lock, whatever the caller asked for."""
        async with super().begin_transaction(session, with_for_update=True) as transaction:
            yield transaction


def main() -> None:
    """Run Prefect's command."""
    url = get_current_settings().server.database.connection_url
    if url is None:
        raise RuntimeError("Prefect names no database")
    with temporary_database_config(Sqlite(connection_url=url.get_secret_value())):
        app()


if __name__ == "__main__":
    main()
