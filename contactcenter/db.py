"""Transactions: the only place that begins and commits.

A request, job or socket message is one unit of work. What the world is told afterwards is registered with
``after_commit`` and runs only when the commit stood.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import structlog
from asyncpg import InternalClientError, PostgresConnectionError
from asyncpg.exceptions import AdminShutdownError, CannotConnectNowError, CrashShutdownError, InterfaceError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import QueuePool

from contactcenter.errors import StoreAway

log = structlog.get_logger()
Hook = Callable[[], Awaitable[None] | None]
LOST = (
    OSError, PostgresConnectionError, InterfaceError, AdminShutdownError, CrashShutdownError, CannotConnectNowError,
    InternalClientError,  # the server's farewell lay unread on an idle connection
)  # fmt: skip
"""What the driver raises when the database went away."""
PATIENCE_S = 2
"""How long somebody waits for a connection."""
BEGIN, PLAN_ONCE = "BEGIN", "SET plan_cache_mode = force_generic_plan"


def engine_url(url: str) -> str:
    """A PostgreSQL URL in the form the async driver wants."""
    for prefix in ("postgresql+asyncpg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    raise ValueError(f"the database URL must start with postgresql://, not {url.split(':', 1)[0]}://")


class Database:
    """A pool and the units of work on it.

    ``statement_timeout`` bounds every statement on the server, ``idle_timeout`` how long a transaction may wait for us; both in
    seconds. The router's is short: frozen inside a claim it would hold the lease that its successor needs.
    """

    def __init__(
        self,
        url: str,
        *,
        pool: int = 6,
        statement_timeout: int = 5,
        idle_timeout: int = 60,
        name: str = "contactcenter",
    ) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            engine_url(url),
            pool_size=pool,
            max_overflow=-1,  # never waits: ``_room`` keeps the bound, and costs no task for each wait
            hide_parameters=True,
            pool_use_lifo=True,  # in calm the same connection again: its statements are prepared, its caches warm
            pool_pre_ping=False,  # a ping costs a round trip at every hot door; a dead connection is a 503 and then gone
            connect_args={
                "command_timeout": statement_timeout + 1,
                "timeout": 5,
                "server_settings": {
                    "application_name": name,
                    "statement_timeout": f"{statement_timeout}s",
                    "idle_in_transaction_session_timeout": f"{idle_timeout}s",
                    "timezone": "UTC",
                    "jit": "off",
                },
            },
        )
        # The same pool for those who begin and commit on the driver: SQLAlchemy sends neither on these connections.
        self._straight = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ready: list[AsyncConnection] = []
        """Of those, the ones that wait for the next hot door: handing one back to the pool and fetching it again costs more
        than a statement."""
        self._room = asyncio.Semaphore(pool)
        self.wake: Hook | None = None
        """Called after a commit that wrote events: a hint to the sequencer, set by the wiring."""
        self._told: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One unit of work: committed when the block ends, rolled back when it raises.

        Raises StoreAway when the database cannot be reached; a commit whose answer was lost raises it too, and the caller
        finds out by its key what became of it.
        """
        await self._enter()
        session = AsyncSession(self.engine, expire_on_commit=False, autoflush=False, info={"database": self})
        try:
            if self._ready and not self._in_pool():
                await self._return(self._ready.pop(0))
            yield session
            await session.commit()
        except (OSError, InterfaceError, PostgresConnectionError) as error:
            await self._abandon(session)
            raise StoreAway from error
        except DBAPIError as error:
            await self._abandon(session)
            if _is_gone(error):
                await self._let_all_go()
                raise StoreAway from error
            raise
        except BaseException:
            await self._abandon(session)
            raise
        else:
            await session.close()
        finally:
            self._room.release()
        self._tell(session)

    @contextlib.asynccontextmanager
    async def straight(self, lock: int | None = None) -> AsyncIterator[AsyncSession]:
        """``transaction`` for the hot doors: begun and committed on the driver's connection, ``tx.info["driver"]``.

        The session's own bookkeeping costs more processor time than all statements of such a door. What goes through the
        session all the same is part of the same transaction. ``lock``: an advisory lock, taken together with the BEGIN.
        For statements that find rows by their keys: they are planned once, whatever the values.
        """
        async with self._hot() as connection:
            session = await self._begin(connection, lock)
            yield session
            await self._commit(session)
        self._tell(session)

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[Any]:
        """The driver's connection for one statement that commits itself: no round trip but its own. Raises StoreAway."""
        async with self._hot() as connection:
            yield _driver_of(connection)

    @contextlib.asynccontextmanager
    async def _hot(self) -> AsyncIterator[AsyncConnection]:
        """A connection that is kept for the next hot door, unless something broke on it."""
        async with self._lent():
            connection = self._ready.pop() if self._ready else await self._fetch()
            try:
                yield connection
            except BaseException:
                await self._take_back(connection)
                await self._return(connection)
                raise
            self._ready.append(connection)

    async def _enter(self) -> None:
        """Wait for a place among those who may hold a connection. Raises StoreAway where none is free in time."""
        if not self._room.locked():
            await self._room.acquire()
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._room.acquire()
        except TimeoutError as error:
            raise StoreAway from error

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[None]:
        """A place, and what the driver raises turned into StoreAway where the database went away."""
        await self._enter()
        try:
            yield
        except DBAPIError as error:
            if _is_gone(error):
                await self._let_all_go()
                raise StoreAway from error
            raise
        except LOST as error:
            await self._let_all_go()  # the other connections went the same way
            raise StoreAway from error
        finally:
            self._room.release()

    async def _fetch(self) -> AsyncConnection:
        connection = await self._straight.connect()
        try:
            await _driver_of(connection).execute(PLAN_ONCE)
        except BaseException:  # it lay in the pool while the database went away, or nobody wants it any more
            await self._return(connection)
            raise
        return connection

    async def _return(self, connection: AsyncConnection) -> None:
        """Back to the pool, for statements whose plans depend on their values."""
        clean = connection.invalidated
        try:
            if not clean:
                await _driver_of(connection).execute("RESET plan_cache_mode")
                clean = True
        except Exception:  # the connection may be the very thing that broke
            log.debug("reset_failed", exc_info=True)
        finally:
            if not clean:
                await _throw_away(connection)
            await connection.close()

    async def _begin(self, connection: AsyncConnection, lock: int | None) -> AsyncSession:
        driver = _driver_of(connection)
        await driver.execute(BEGIN if lock is None else f"{BEGIN}; SELECT pg_advisory_xact_lock({lock:d})")
        info = {"database": self, "driver": driver}
        return AsyncSession(connection, expire_on_commit=False, autoflush=False, info=info)

    async def _commit(self, session: AsyncSession) -> None:
        if session.in_transaction():  # somebody used the session
            await session.flush()
        if await session.info["driver"].execute("COMMIT") != "COMMIT":  # a failed transaction commits without an error
            raise RuntimeError("a statement of this transaction had failed")
        if session.in_transaction():
            await session.close()

    async def _take_back(self, connection: AsyncConnection) -> None:
        """Nothing of this transaction stays; a connection that cannot say so is thrown away."""
        if connection.invalidated:  # SQLAlchemy saw it break, and has thrown it away
            return
        clean = False
        try:
            await _driver_of(connection).execute("ROLLBACK")
            clean = True
        except Exception:  # the connection may be the very thing that broke
            log.debug("rollback_failed", exc_info=True)
        finally:
            if not clean:
                await _throw_away(connection)

    async def _abandon(self, session: AsyncSession) -> None:
        with contextlib.suppress(Exception):  # the connection may be the very thing that broke
            await session.rollback()
        with contextlib.suppress(Exception):  # as above
            await session.close()

    def _tell(self, session: AsyncSession) -> None:
        hooks: list[Hook] = session.info.pop("after_commit", [])
        if self.wake is not None and session.info.pop("wrote_events", False):
            hooks = [self.wake, *hooks]
        awaited = [answer for hook in hooks if (answer := _call(hook)) is not None]
        if awaited:
            task = asyncio.create_task(_finish(awaited))
            self._told.add(task)
            task.add_done_callback(self._told.discard)

    async def settled(self) -> None:
        """Wait until everything that was to be told has been told (used at shutdown)."""
        if self._told:
            await asyncio.wait(set(self._told), timeout=2)

    async def ping(self) -> None:
        async with self.transaction() as tx:
            await tx.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.settled()
        while self._ready:
            await self._return(self._ready.pop())
        await self.engine.dispose()

    async def _let_all_go(self) -> None:
        """The database went away: nobody asks the connections that nobody holds whether they noticed."""
        while self._ready:
            connection = self._ready.pop()
            await _throw_away(connection)
            await connection.close()
        await self.engine.dispose()

    def _in_pool(self) -> int:
        pool = self.engine.pool
        return pool.checkedin() if isinstance(pool, QueuePool) else 0


def after_commit(tx: AsyncSession, hook: Hook) -> None:
    """Run ``hook`` once the unit of work has committed. Hooks hint and ring; they never carry facts."""
    tx.info.setdefault("after_commit", []).append(hook)


def _call(hook: Hook) -> Awaitable[None] | None:
    try:
        return hook()
    except Exception:  # a hint that fails is repaired by the sweeps; the commit stands
        log.warning("after_commit_failed", exc_info=True)
        return None


async def _finish(awaited: list[Awaitable[None]]) -> None:
    for answer in awaited:
        try:
            await answer
        except Exception:  # as above
            log.warning("after_commit_failed", exc_info=True)


async def _throw_away(connection: AsyncConnection) -> None:
    _driver_of(connection).terminate()
    await connection.invalidate()


def _driver_of(connection: AsyncConnection) -> Any:
    """asyncpg's connection under SQLAlchemy's."""
    assert connection.sync_connection is not None
    return connection.sync_connection.connection.driver_connection


def _is_gone(error: DBAPIError) -> bool:
    origin: Any = error.orig
    inner = getattr(origin, "__cause__", None)
    gone = (PostgresConnectionError, InterfaceError, CannotConnectNowError, OSError)
    return error.connection_invalidated or isinstance(error, OperationalError) or isinstance(inner, gone)
