"""Stores publishers, locked accounts, tokens (only their SHA-256) and the logs.

SQLite, in memory or in a file, with one lock. It knows no HTTP and makes no decisions; the time is a parameter.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_hub.hub.log import rfc3339
from local_hub.hub.publishers import Publisher, to_wire
from local_hub.hub.resources import Declared, parse_resource
from local_hub.hub.tokens import IssuedToken, digest

FILE_NAME = "local-hub.sqlite3"
LOG_LENGTH = 1000
_TABLES = """
CREATE TABLE IF NOT EXISTS resources (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS locked (account TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS publishers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, resource TEXT NOT NULL, issuer TEXT NOT NULL, claims TEXT NOT NULL,
    read_only INTEGER NOT NULL, scopes TEXT NOT NULL, last_used TEXT);
CREATE TABLE IF NOT EXISTS tokens (
    sha256 TEXT PRIMARY KEY, resource TEXT NOT NULL, can TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT,
    expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS repositories (
    resource TEXT PRIMARY KEY, private INTEGER NOT NULL, gated INTEGER NOT NULL, readers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, entry TEXT NOT NULL);
"""


class Store:
    """The database; each method is one transaction."""

    def __init__(self, directory: Path | None = None) -> None:
        """Open the database in `directory`, or in memory without one."""
        self._lock = threading.Lock()
        path = directory / FILE_NAME if directory else None
        if path:
            # SQLite creates its -wal and -shm files with the mode of the database.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def declare(self, declared: Declared) -> None:
        """Add a resource, and who may see it."""
        name, readers = str(declared.resource), json.dumps(sorted(declared.readers))
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO resources VALUES (?)", (name,))
            row = (name, declared.private, declared.gated, readers)
            database.execute("INSERT OR REPLACE INTO repositories VALUES (?, ?, ?, ?)", row)

    def declared(self, resource: str) -> Declared | None:
        """Return a resource as declared, or None; it is public by default."""
        query = "SELECT * FROM resources LEFT JOIN repositories ON resource = name WHERE name = ?"
        with self._transaction() as database:
            row = database.execute(query, (resource,)).fetchone()
        return _declared_of(row) if row else None

    def all_declared(self) -> list[Declared]:
        """Return all resources."""
        query = "SELECT * FROM resources LEFT JOIN repositories ON resource = name ORDER BY name"
        with self._transaction() as database:
            rows = database.execute(query).fetchall()
        return [_declared_of(row) for row in rows]

    def exists(self, resource: str) -> bool:
        """Return whether a resource was declared or has had a publisher."""
        with self._transaction() as database:
            return bool(database.execute("SELECT 1 FROM resources WHERE name = ?", (resource,)).fetchone())

    def lock_account(self, account: str, *, locked: bool, now: float) -> None:
        """Lock or unlock an account."""
        statement = "INSERT OR IGNORE INTO locked VALUES (?)" if locked else "DELETE FROM locked WHERE account = ?"
        with self._transaction() as database:
            database.execute(statement, (account,))
            change = "locked" if locked else "unlocked"
            _append(database, "audit", {"at": rfc3339(now), "change": change, "account": account})

    def is_locked(self, account: str) -> bool:
        """Return whether an account is locked."""
        with self._transaction() as database:
            return bool(database.execute("SELECT 1 FROM locked WHERE account = ?", (account,)).fetchone())

    def add_publisher(self, publisher: Publisher, now: float) -> int:
        """Add a publisher and its resource; return the publisher's id."""
        row = _row_of(publisher)
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO resources VALUES (?)", row[:1])
            cursor = database.execute(
                "INSERT INTO publishers (resource, issuer, claims, read_only, scopes) VALUES (?, ?, ?, ?, ?)", row
            )
            added = int(cursor.lastrowid or 0)
            _append(database, "audit", {"at": rfc3339(now), "change": "added", "id": added, **to_wire(publisher)})
        return added

    def has_publisher(self, publisher: Publisher) -> bool:
        """Return whether an identical publisher exists."""
        return any(known == publisher for _, known in self.publishers(str(publisher.resource)))

    def remove_publisher(self, number: int, now: float) -> bool:
        """Remove a publisher; return whether it existed."""
        with self._transaction() as database:
            row = database.execute("SELECT * FROM publishers WHERE id = ?", (number,)).fetchone()
            if row is None:
                return False
            database.execute("DELETE FROM publishers WHERE id = ?", (number,))
            change = {"at": rfc3339(now), "change": "removed", "id": number, **to_wire(_publisher_of(row))}
            _append(database, "audit", change)
        return True

    def change_publisher(self, number: int, publisher: Publisher, now: float) -> bool:
        """Replace a publisher but keep its last use; return whether it existed."""
        _, *row = _row_of(publisher)
        with self._transaction() as database:
            known = database.execute("SELECT * FROM publishers WHERE id = ?", (number,)).fetchone()
            if known is None:
                return False
            database.execute(
                "UPDATE publishers SET issuer = ?, claims = ?, read_only = ?, scopes = ? WHERE id = ?", (*row, number)
            )
            change = {"at": rfc3339(now), "change": "changed", "id": number, **to_wire(publisher)}
            _append(database, "audit", {**change, "before": to_wire(_publisher_of(known))})
        return True

    def publishers(self, resource: str) -> list[tuple[int, Publisher]]:
        """Return the publishers of a resource with their ids, oldest first."""
        with self._transaction() as database:
            rows = database.execute("SELECT * FROM publishers WHERE resource = ? ORDER BY id", (resource,)).fetchall()
        return [(row["id"], _publisher_of(row)) for row in rows]

    def listed_publishers(self, resource: str | None) -> list[dict[str, Any]]:
        """Return publishers in the API's form, of one resource or of all."""
        query = "SELECT * FROM publishers WHERE ? IS NULL OR resource = ? ORDER BY id"
        with self._transaction() as database:
            rows = database.execute(query, (resource, resource)).fetchall()
        return [{"id": row["id"], **to_wire(_publisher_of(row)), "lastUsed": row["last_used"]} for row in rows]

    def issue(self, token: str, known: IssuedToken, publisher_id: int, now: float) -> None:
        """Store a token's digest, and when its publisher was last used."""
        row = (digest(token), str(known.resource), json.dumps(known.can), known.issuer, known.subject, known.expires_at)
        with self._transaction() as database:
            database.execute("DELETE FROM tokens WHERE expires_at <= ?", (now,))
            database.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)", row)
            database.execute("UPDATE publishers SET last_used = ? WHERE id = ?", (rfc3339(now), publisher_id))

    def find_token(self, token: str, now: float) -> IssuedToken | None:
        """Return what is stored of a token, or None if it is unknown or expired."""
        query = "SELECT * FROM tokens WHERE sha256 = ? AND expires_at > ?"
        with self._transaction() as database:
            row = database.execute(query, (digest(token), now)).fetchone()
        if row is None:
            return None
        can = tuple(json.loads(row["can"]))
        return IssuedToken(parse_resource(row["resource"]), can, row["issuer"], row["subject"], row["expires_at"])

    def append(self, kind: str, entry: Mapping[str, Any]) -> None:
        """Append an entry to a log."""
        with self._transaction() as database:
            _append(database, kind, entry)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Return a log's latest entries, newest first."""
        query = "SELECT entry FROM log WHERE kind = ? ORDER BY id DESC LIMIT ?"
        with self._transaction() as database:
            rows = database.execute(query, (kind, LOG_LENGTH)).fetchall()
        return [json.loads(row["entry"]) for row in rows]

    def entries(self, kind: str, about: str | None = None, limit: int = LOG_LENGTH) -> list[tuple[int, dict[str, Any]]]:
        """Return a log's latest entries with their ids; `about` selects one resource or account."""
        named = "? IN (json_extract(entry, '$.resource'), json_extract(entry, '$.account'))"
        query = f"SELECT id, entry FROM log WHERE kind = ? AND (? IS NULL OR {named}) ORDER BY id DESC LIMIT ?"  # noqa: S608 -- constants
        with self._transaction() as database:
            rows = database.execute(query, (kind, about, about, limit)).fetchall()
        return [(row["id"], json.loads(row["entry"])) for row in rows]

    def entry(self, kind: str, number: int) -> dict[str, Any] | None:
        """Return a log entry by its id."""
        with self._transaction() as database:
            row = database.execute("SELECT entry FROM log WHERE kind = ? AND id = ?", (kind, number)).fetchone()
        found: dict[str, Any] | None = json.loads(row["entry"]) if row else None
        return found

    def overview(self) -> list[dict[str, Any]]:
        """Return for each resource `name`, the number of `publishers` and `last_used`."""
        query = """SELECT name, count(id) AS publishers, max(last_used) AS last_used
            FROM resources LEFT JOIN publishers ON resource = name GROUP BY name ORDER BY name COLLATE NOCASE"""
        with self._transaction() as database:
            return [dict(row) for row in database.execute(query).fetchall()]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._database:
            yield self._database


def _append(database: sqlite3.Connection, kind: str, entry: Mapping[str, Any]) -> None:
    database.execute("INSERT INTO log (kind, entry) VALUES (?, ?)", (kind, json.dumps(entry)))


def _row_of(publisher: Publisher) -> tuple[str, str, str, bool, str]:
    claims, scopes = json.dumps(dict(publisher.claims)), json.dumps(publisher.scopes)
    return str(publisher.resource), publisher.issuer_url, claims, publisher.read_only, scopes


def _declared_of(row: sqlite3.Row) -> Declared:
    readers = frozenset(json.loads(row["readers"] or "[]"))
    return Declared(parse_resource(row["name"]), bool(row["private"]), bool(row["gated"]), readers)


def _publisher_of(row: sqlite3.Row) -> Publisher:
    resource, claims = parse_resource(row["resource"]), json.loads(row["claims"])
    return Publisher(resource, row["issuer"], claims, bool(row["read_only"]), tuple(json.loads(row["scopes"])))
