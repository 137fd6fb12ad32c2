"""The tap: its settings, and the streams of the sources that are configured."""

from __future__ import annotations

import gc
import logging
import signal
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import Catalog, Schema, StateMessage
from typing_extensions import override

from tap_leads import checks, hashing, settings
from tap_leads import config as configs
from tap_leads.cli import Command, Terminated, read_catalog, read_state
from tap_leads.errors import FailedStreamsError
from tap_leads.progress import progress_for
from tap_leads.sources import SOURCES
from tap_leads.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput

    from tap_leads.accounts import Account
    from tap_leads.leads import LeadsStream
    from tap_leads.source import Source

_NAMES = [source.name for source in SOURCES]


class TapLeads(Tap):
    """Leads of Kommo (amoCRM), Dashly, Carrot quest and Octanist, exactly as they stand."""

    name = "tap-leads"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.top_level(
        {source.name: source.settings for source in SOURCES}
    )
    message_writer_class = Writer
    # No BATCH: the SDK's version ignores which columns are selected.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Load settings, catalog and state as every tap does."""
        self.failures: list[str] = []
        state = kwargs.get("state")
        self.given_state: dict[str, Any] = state if isinstance(state, dict) else {}
        self._doubtful: list[tuple[Account, str]] = []
        self.progress = progress_for(self.logger)
        # They log requests with their query, and the filters of stream maps: people's e-mails.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        logging.getLogger("singer_sdk.mapper").setLevel(logging.WARNING)
        super().__init__(*args, **kwargs)

    @override
    def discover_streams(self) -> Sequence[LeadsStream]:
        """The streams of the sources that are configured; of all where none is."""
        streams: list[LeadsStream] = []
        for source in self._configured or SOURCES:
            # The same for all its streams: they share the budget, and what closes an account.
            accounts = source.accounts(self.config[source.name]) if self.is_valid else []
            streams += [stream(self, accounts) for stream in source.streams]
        return streams

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """The streams in the order in which the sources have them; the SDK sorts them by name."""
        found = super().streams
        names = (_name_of(stream) for source in SOURCES for stream in source.streams)
        return {name: found[name] for name in names if name in found}

    @override
    def setup_mapper(self) -> None:
        """Let a catalog say what is selected, and how; columns and keys are the tap's own to say.

        One of an older version has other columns, and one made by hand may have no keys.
        """
        catalog = self.input_catalog or Catalog()
        for stream in self.streams.values():
            if entry := catalog.get_stream(stream.name):
                entry.schema = Schema.from_dict(stream.schema)
                kind: Any = type(stream)
                entry.key_properties = kind.primary_keys
                entry.replication_key = kind.replication_key
                stream.apply_catalog(catalog)
        super().setup_mapper()

    @staticmethod
    def _hashable_columns() -> dict[str, list[str]]:
        """The columns of each stream that are neither a key nor the replication key."""
        return {
            _name_of(stream): [
                column.name
                for column in stream.columns
                if column.name not in {*stream.primary_keys, stream.replication_key}
            ]
            for source in SOURCES
            for stream in source.streams
        }

    @property
    def _configured(self) -> list[Source]:
        return [source for source in SOURCES if source.name in self.config]

    def begin_others(self, account: Account) -> None:
        """Begin to read the small lists of an account that answers before it is their turn."""
        for stream in cast("dict[str, LeadsStream]", self.streams).values():
            if stream.selected and stream.accounts.get(account.label) is account:
                stream.begin(account)

    def skip(self, account: Account, message: str, *, is_sure: bool) -> None:
        """Take note that an account does not have a list, or, if `is_sure`, does not show it."""
        self.logger.warning("%s; it is skipped", message)
        if not is_sure:
            self._doubtful.append((account, message))

    def check_skipped(self) -> None:
        """Lists that are not there are no failure, unless the account has nothing else either."""
        for account, message in self._doubtful:
            if not account.has_answered:
                self.fail(message)

    def fail(self, message: str, *, is_told: bool = False) -> None:
        """Take note that an account failed; the others go on."""
        if not is_told:
            self.logger.error(message)
        self.failures.append(message)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings; the SDK's own check would repeat a secret of the wrong type."""
        self._config = configs.tidy(self._config)
        schema = self._full_schema()
        errors = checks.check(self._config, schema, _NAMES)
        if not errors:
            for source in self._configured:
                errors += source.check(self._config[source.name])
            errors += hashing.problems(self._config, self._hashable_columns())
            self._config = configs.with_defaults(self._config, schema)
        self.is_valid = not errors
        if errors and raise_errors:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=errors, schema=schema)
        for error in errors:
            self.logger.warning(error)
        return errors

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End as a program that was told to: the SDK would end as a success, and in mid-line.

        Once: a second signal, as a terminal and Meltano send them together, would cut the end off.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise Terminated(signum)

    @classmethod
    def _full_schema(cls) -> dict[str, Any]:
        """The schema of the settings, those of the SDK among them."""
        cls.append_builtin_config(cls.config_jsonschema)
        return cls.config_jsonschema

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the settings files; `ENV` stands for the environment, which wins over them."""
        result = super().cb_config(ctx, param, ())
        result.config = configs.from_files(path for path in value if path != "ENV")
        if "ENV" in value:
            found = configs.from_environment(cls._full_schema(), cls._env_var_prefix)
            result.config = configs.merge(result.config, found)
        return result

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # the SDK's own signature differs from its base's
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: Any = None,
        catalog: Any = None,
    ) -> None:
        """Read every selected stream of every account."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        tap = cls(
            config=config.config if config else {},
            state=read_state(state) if state else None,
            catalog=read_catalog(catalog) if catalog else None,
        )
        # What is there by now stays: to look it through again and again is a fifth of a run.
        gc.freeze()
        try:
            tap.sync_all()
            tap.check_skipped()
        except Terminated as ended:
            tap.logger.warning("ended by signal %d; the state says how far it came", ended.signal)
            for stream in cast("dict[str, LeadsStream]", tap.streams).values():
                stream.keep_bookmark()
            tap.write_message(StateMessage(value=tap.state))
            raise
        finally:
            tap.progress.end()
        if tap.failures:
            accounts = [a for s in tap.streams.values() if s.selected for a in s.partitions or []]
            raise FailedStreamsError(tap.failures, len(accounts))

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        return Command.from_singer(super().get_singer_command(), cls.logger)


def _name_of(stream: Any) -> str:
    """The name of a stream that has not been made: the SDK says that only one that is has one."""
    name: str = stream.name
    return name
