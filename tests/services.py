"""PostgreSQL and RabbitMQ on this machine: whether they are there, and a corner of each that a test has for itself."""

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import amqp
import psycopg
import pytest
from psycopg import sql

from tests.embedded import LocalAcs, eventually  # noqa: F401 - every service a test may need, under one name

POSTGRESQL = "postgresql://postgres@127.0.0.1:5432"
RABBITMQ_HOST = "127.0.0.1:5672"
RABBITMQ = f"amqp://guest:guest@{RABBITMQ_HOST}//"


def require(*programs: str) -> None:
    """Skips the test when a service or one of `programs` is absent; fails it under TAPEDECK_REQUIRE_SERVICES=1."""
    absent = [f"{name} on 127.0.0.1" for name, port in (("PostgreSQL", 5432), ("RabbitMQ", 5672)) if not _listens(port)]
    absent += [program for program in programs if not shutil.which(program)]
    if not absent:
        return
    message = f"There is no {' and no '.join(absent)}"
    if os.environ.get("TAPEDECK_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{message}, and TAPEDECK_REQUIRE_SERVICES=1")
    pytest.skip(message)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def admin() -> psycopg.Connection:
    """A connection that may create and drop databases."""
    return psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True)


def create_database(name: str, *, template: str = "template1") -> str:
    """Makes a database and returns its address."""
    with admin() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return f"{POSTGRESQL}/{name}"


def drop_database(name: str) -> None:
    """Drops a database, whoever is still connected."""
    with admin() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def rename_database(name: str, *, to: str, dropping: str) -> None:
    """Renames a database, and drops the others whose names are like `dropping`."""
    with admin() as connection:
        like = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [dropping]).fetchall()
        for (other,) in like:
            if other != name:
                drop_database(other)
        connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(to)))


def database_exists(name: str) -> bool:
    """Whether there is a database of that name."""
    with admin() as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


@contextmanager
def own_database(*, template: str = "template1") -> Iterator[str]:
    """The address of a database that exists for the duration."""
    name = f"tapedeck_test_{uuid.uuid4().hex[:12]}"
    try:
        yield create_database(name, template=template)
    finally:
        drop_database(name)


@contextmanager
def own_queues(lanes: tuple[str, ...] = ("control", "media", "derived")) -> Iterator[str]:
    """A queue prefix at the broker; queues and exchange of that prefix are deleted at the end."""
    prefix = f"tapedeck-test-{uuid.uuid4().hex[:12]}"
    try:
        yield prefix
    finally:
        with amqp.Connection(RABBITMQ_HOST) as connection, connection.channel() as channel:
            for lane in lanes:
                channel.queue_delete(f"{prefix}.{lane}")
            channel.exchange_delete(prefix)
