"""The composition root: settings become accounts, and accounts become streams."""

from __future__ import annotations

import copy
import gc
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MapExpressionError, MappingError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import StateMessage
from typing_extensions import override

from tap_leads.errors import Code, coded
from tap_leads.settings.errors import SettingsError
from tap_leads.settings.load import with_defaults
from tap_leads.settings.model import top_level
from tap_leads.settings.prepare import Prepared, prepare
from tap_leads.settings.validate import validate
from tap_leads.settings.variables import read_options
from tap_leads.singer.about import about
from tap_leads.singer.bookmark import count_new, moments_in
from tap_leads.singer.command import (
    Command,
    FailedStreamsError,
    Terminated,
    handle_signals,
    is_useful,
    read_catalog,
    read_state,
)
from tap_leads.singer.prefetch import Prefetch
from tap_leads.singer.report import RunReport, start_line
from tap_leads.singer.runtime import RunContext, Runtime
from tap_leads.singer.selection import check_selection
from tap_leads.singer.stats import Stats
from tap_leads.singer.stream import LeadsStream
from tap_leads.singer.stream_maps import correct_schema
from tap_leads.singer.writer import Writer
from tap_leads.sources import SOURCES
from tap_leads.sources.base import Discovery
from tap_leads.sources.connect import build_accounts
from tap_leads.timestamps import DAY, SECOND, from_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_leads.sources.base import Source

_ENVIRONMENT_PREFIX = "TAP_LEADS_"


def settings_schema(sources: Sequence[Source]) -> dict[str, Any]:
    """Return the JSON schema of the settings, except those that the SDK adds."""
    return top_level({source.name: source.settings.schema for source in sources})


class TapLeads(Tap):
    """Sync leads from Kommo (formerly amoCRM), Dashly, Carrot quest and Octanist."""

    name = "tap-leads"
    sources: ClassVar[Sequence[Source]] = SOURCES
    runtime: ClassVar[Runtime] = Runtime()
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(SOURCES)
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

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        validate_config: bool = True,
        setup_mapper: bool = True,
        **kwargs: Any,
    ) -> None:
        """Validate the settings; then load state and catalog, and discover the streams.

        Raises:
            ConfigValidationError: the settings are invalid; `errors` has a line for each reason.
        """
        # These loggers write URLs with their query and the filters of stream maps: both can
        # contain emails.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        logging.getLogger("singer_sdk.mapper").setLevel(logging.WARNING)
        self.logger.addFilter(is_useful)
        settings, errors, ignored = self.prepare(config or {})
        for line in ignored:
            self.logger.info(line)
        if errors and validate_config:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=errors, schema=self.config_jsonschema)
        for error in errors:
            self.logger.warning(coded(error, Code.INVALID_SETTING))
        self._is_configured = not errors
        if errors:  # discovery works without settings, and so with invalid ones too
            settings = {source.name: {} for source in self.sources if source.name in settings}
        else:
            settings = with_defaults(settings, self.config_jsonschema)
        # The SDK writes defaults into the dict that it receives, also into each of `accounts`,
        # where they would override the settings that all accounts share.
        self._settings = copy.deepcopy(settings)
        self.report = RunReport(self.logger, self.runtime.heartbeat)
        # The SDK sets the mapper up, and with it the streams, before it loads the state.
        super().__init__(config=settings, validate_config=False, setup_mapper=False, **kwargs)
        handle_signals()
        if setup_mapper:
            self.setup_mapper()

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Append the SDK's settings, with `stream_maps` as any object, without `faker_config`."""
        super().append_builtin_config(config_jsonschema)
        correct_schema(config_jsonschema["properties"])

    @classmethod
    def full_schema(cls) -> dict[str, Any]:
        """Return the JSON schema of all settings, including the SDK's."""
        cls.append_builtin_config(cls.config_jsonschema)
        return cls.config_jsonschema

    @classmethod
    def prepare(cls, config: dict[str, Any], *, with_variables: bool = True) -> Prepared:
        """Return settings as the tap uses them; the arguments are described in `prepare`."""
        own = [source.settings for source in cls.sources]
        streams = [stream for source in cls.sources for stream in source.streams]
        check = partial(
            validate,
            schema=cls.full_schema(),
            sources=own,
            columns={stream.name: stream.hashable_columns for stream in streams},
            dynamic={each.name: each.dynamic_columns for each in streams if each.dynamic_columns},
        )
        return prepare(config, cls.full_schema(), own, check, with_variables=with_variables)

    @classmethod
    @override
    def print_about(cls, output_format: str | None = None) -> None:
        own = [source.settings for source in cls.sources]
        click.echo(about(cls, cls.full_schema(), own, output_format))

    @override
    def discover_streams(self) -> Sequence[LeadsStream]:
        """Return the streams of the configured sources, or of all if none is configured."""
        run = RunContext(self.report, Prefetch(), self.runtime)
        configured = [source for source in self.sources if source.name in self._settings]
        streams: list[LeadsStream] = []
        for source in configured or self.sources:
            # All streams of an account share its client: rate limit, connections, failure.
            accounts = []
            if self._is_configured:
                agent = self._settings.get("user_agent", f"tap-leads/{self.plugin_version}")
                accounts = build_accounts(source, self._settings, self.runtime.network, agent)
            specs = source.streams
            if source.discover is not None:
                bookmarks = self.state.get("bookmarks", {})
                discovery = Discovery(accounts, bookmarks, self._observer, self._warn)
                specs = source.discover(discovery, specs)
            streams += [LeadsStream(self, spec, accounts, run) for spec in specs]
        return streams

    def _warn(self, text: str, code: Code) -> None:
        self.logger.warning(coded(text, code))

    def _observer(self, stream: str, account: str) -> Stats:
        concurrency = self.config["concurrency"]
        return Stats(stream, account, "", concurrency, self.logger, self.metrics_logger)

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """Return the streams in the order of their sources; the SDK sorts them by name."""
        found = super().streams
        names = (stream.name for source in self.sources for stream in source.streams)
        return {name: found[name] for name in names if name in found}

    @override
    def setup_mapper(self) -> None:
        """Set up stream maps once the streams have corrected the catalog.

        Raises:
            SettingsError: `stream_maps` cannot be used.
        """
        _ = self.streams
        try:
            super().setup_mapper()
        except MapExpressionError as error:
            cause = type(error.__cause__ or error).__name__
            msg = f"stream_maps: cannot evaluate an expression ({cause})"
            raise SettingsError([msg], Code.STREAM_MAP) from None
        except (MappingError, NotImplementedError) as error:
            raise SettingsError([f"stream_maps: {error}"], Code.STREAM_MAP) from None

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the settings files; `ENV` stands for the environment, which takes precedence."""
        result = super().cb_config(ctx, param, ())
        result.config = cls.read_config(value)
        return result

    @classmethod
    def read_config(cls, options: Sequence[str]) -> dict[str, Any]:
        """Return the settings of all `--config` options, and warn of mistyped variables."""
        config, unknown = read_options(options, cls.full_schema(), _ENVIRONMENT_PREFIX)
        for line in unknown:
            cls.logger.warning(coded(line, Code.UNKNOWN_VARIABLE))
        return config

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # the SDK's own signature differs from its base's
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: Any = None,
        catalog: Any = None,
    ) -> None:
        """Sync every selected stream of every account.

        Raises:
            FailedStreamsError: some streams failed; the others were synced.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        tap = cls(
            config=config.config if config else {},
            state=read_state(state) if state else None,
            catalog=read_catalog(catalog) if catalog else None,
        )
        tap.run()

    def run(self) -> None:
        """Sync every selected stream of every account, and report the outcome.

        Raises:
            FailedStreamsError: some streams failed; the others were synced.
        """
        gc.freeze()  # garbage collection took a quarter of a run's CPU; records form no cycles
        gc.set_threshold(50_000, 20, 100)
        streams = cast("dict[str, LeadsStream]", self.streams).values()
        known = [stream.name for source in self.sources for stream in source.streams]
        for line in check_selection(self.input_catalog, known, streams):
            self.logger.warning(line)
        self._log_start([stream for stream in streams if stream.selected])
        try:
            self.sync_all()
        except Terminated as ended:
            line = f"stopped by signal {ended.signal}; state saved, the next run resumes from it"
            self.logger.warning(coded(line, Code.STOPPED))
            for stream in streams:
                stream.save_bookmark()
            self.write_message(StateMessage(value=self.state))
            raise
        finally:
            self.report.end()
        if self.report.failures:
            total = sum(len(stream.partitions) for stream in streams if stream.selected)
            raise FailedStreamsError(self.report.failures, total)

    def _log_start(self, streams: Sequence[LeadsStream]) -> None:
        """Log which sources and accounts are synced, and from when."""
        accounts = {
            source.name: [each["account"] for each in stream.partitions]
            for source in self.sources
            for stream in streams
            if stream.name in {spec.name for spec in source.streams}
        }
        bookmarks = [moment for stream in streams for moment in moments_in(self.state, stream.name)]
        start = from_text(self.config.get("start_date"))
        if start is not None and start > time.time() * SECOND + DAY:
            self._warn("`start_date` is in the future", Code.FUTURE_START)
        first = count_new(self.state, {stream.name: stream.partitions for stream in streams})
        self.logger.info(start_line(len(streams), accounts, bookmarks, start, first))

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        return Command.from_singer(super().get_singer_command(), cls.logger)
