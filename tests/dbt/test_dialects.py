"""The models compile to SQL that parses for each database, also for those that no test runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import jinja2
import pytest
import sqlglot
from typing_extensions import override

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = ROOT / "dbt"
MACROS = "\n".join(file.read_text() for file in sorted((PACKAGE / "macros").glob("*.sql")))
MODELS = sorted((PACKAGE / "models").rglob("*.sql"))
TEXT = {"bigquery": "string", "snowflake": "text", "postgres": "text", "duckdb": "varchar"}
VARIABLES: dict[str, Any] = {
    "leads_sources": ["kommo", "dashly", "carrotquest", "octanist"],
    "leads_schema": "raw",
    "leads_schemas": {},
    "leads_timezone": "Europe/Berlin",
    "leads_currency": "EUR",
    "leads_currencies": {"acme": "USD"},
    "leads_accounts": ["acme"],
    "leads_pipelines": [1],
    "leads_qualified_stages": [2],
}


class _ReturnError(Exception):
    """Carries the value that a macro returns."""


def _return(value: Any) -> NoReturn:
    raise _ReturnError(value)


class Relation:
    """A table that has each column, as text."""

    database, schema = "db", "raw"

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier

    @override
    def __str__(self) -> str:
        return f"raw.{self.identifier}"

    @staticmethod
    def create(database: str, schema: str, identifier: str) -> Relation:
        del database, schema
        return Relation(identifier)


class Compiler:
    """Renders the package as dbt does, for one database; serves as `adapter` and `tap_leads`."""

    def __init__(self, dialect: str, *, loaded: bool = True) -> None:
        self.dialect = dialect
        self.loaded = loaded
        self.warnings: list[str] = []
        environment = jinja2.Environment(  # noqa: S701 - SQL
            extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined
        )
        environment.globals |= {
            "adapter": self, "tap_leads": self, "api": self, "Relation": Relation,
            "return": _return, "execute": True, "ref": lambda name: f"analytics.{name}",
            "source": lambda _source, name: Relation(name), "config": lambda **_: "",
            "target": type("Target", (), {"type": dialect, "database": "db"}),
            "exceptions": self,
            "env_var": lambda _name, default: default,
            "var": lambda name, default=None: VARIABLES.get(name, default),
        }  # fmt: skip
        self.environment = environment
        self.module = environment.from_string(MACROS).module
        self.Relation = Relation

    def __getattr__(self, name: str) -> Callable[..., Any]:
        macro = getattr(self.module, name)

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                return macro(*arguments, **named)
            except _ReturnError as returned:
                return returned.args[0]

        return call

    def dispatch(self, name: str, _package: str) -> Callable[..., Any]:
        chosen = f"{self.dialect}__{name}"
        found = chosen if hasattr(self.module, chosen) else f"default__{name}"
        return self.__getattr__(found)

    def quote(self, name: str) -> str:
        mark = "`" if self.dialect == "bigquery" else '"'
        return f"{mark}{name}{mark}"

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def get_relation(self, database: str, schema: str, name: str) -> Relation | None:
        del database, schema
        return Relation(name) if self.loaded else None

    def get_columns_in_relation(self, relation: Relation) -> list[Any]:
        names = self.columns[relation.identifier]
        return [type("Column", (), {"name": n, "dtype": TEXT[self.dialect]}) for n in names]

    def compiled(self, text: str) -> str:
        self.columns = _Any()
        return self.environment.from_string(text).render()


class _Any(dict[str, list[str]]):
    def __missing__(self, name: str) -> list[str]:
        return ["account", "id", "name", "contacts", "created_at", "updated_at", "is_deleted",
                "props", "events", "custom_fields_values", "params", "_sdc_batched_at"]  # fmt: skip


@pytest.mark.parametrize("dialect", TEXT)
def test_each_model_compiles_to_sql_that_the_database_can_parse(dialect: str) -> None:
    compiler = Compiler(dialect)
    for model in MODELS:
        sql = compiler.compiled(model.read_text())
        (statement,) = sqlglot.parse(sql, dialect=dialect)
        assert isinstance(statement, sqlglot.exp.Query), model.name
        if dialect != "postgres":
            assert "jsonb" not in sql, model.name


def test_a_schema_without_any_table_is_warned_about() -> None:
    model = (PACKAGE / "models/marts/sync_health.sql").read_text()
    full, empty = Compiler("postgres"), Compiler("postgres", loaded=False)
    for compiler in (full, empty):
        compiler.compiled(model)
    assert not full.warnings
    (warning,) = empty.warnings
    assert "leads_schema" in warning
