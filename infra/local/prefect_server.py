"""Prefect's server on SQLite, each of its transactions a writer from the beginning.

Separate because it is a process of its own: `python -m infra.local.prefect_server server start`, as Prefect's own
command but for the database. Prefect begins most transactions as readers. One that writes later fails at once with
`database is locked` if another has written in between, however long SQLite is told to wait; a writer from the
beginning waits its turn.
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
        """Begin a transaction that holds the write lock, whether it asked for it or not."""
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
