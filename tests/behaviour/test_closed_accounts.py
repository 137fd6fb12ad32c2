"""An account that cannot be read at all is reported once, with its cause, and then left alone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tap_leads.sources.kommo import KOMMO
from tap_leads.sources.octanist import OCTANIST
from tests.support.catalogs import catalog_for
from tests.support.run import everyone
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]

TRIES = 20
STREAMS, OTHERS = (
    sum(stream.selected_by_default for stream in source.streams) for source in (KOMMO, OCTANIST)
)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_both(box: Sandbox, run_here: Runner, **kommo: Any) -> Run:
    """Run Kommo's default streams with other settings, and Octanist, which succeeds."""
    config = {"kommo": settings_for(box.kommo) | kommo, "octanist": settings_for(box.octanist)}
    run = run_here(config, catalog=None)
    assert run.code == 1
    assert set(run.ids("octanist_leads")) == everyone(box.octanist)
    return run


def lines_of(run: Run) -> list[str]:
    """Return warnings and errors except those of retries; the last is the summary."""
    return [line for line in run.said() if "; retrying in " not in line]


@pytest.mark.usefixtures("no_waits")
def test_a_host_that_refuses_connections_is_tried_by_one_call_and_named(
    box: Sandbox, run_here: Runner
) -> None:
    place = f"127.0.0.1:{free_port()}"
    run = run_both(box, run_here, api_url=f"http://{place}")
    line, summary = lines_of(run)
    assert line.startswith(f"account acme: no response: {place} refused the connection. Check ")
    assert summary == f"{STREAMS} of {STREAMS + OTHERS} streams failed. First: {line}"
    retries = [said for said in run.said() if "; retrying in " in said]
    assert len(retries) == TRIES - 1
    assert all(f"{place} refused the connection; retrying" in said for said in retries)


@pytest.mark.usefixtures("no_waits")
def test_the_accounts_of_a_host_that_refuses_connections_wait_for_it_once(
    box: Sandbox, run_here: Runner
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    accounts = [{"name": name} for name in ("north", "south", "west")]
    run = run_both(box, run_here, api_url=url, accounts=accounts)
    assert len([said for said in run.said() if "; retrying in " in said]) == TRIES - 1
    failed = [line.partition(": ")[0] for line in lines_of(run)]
    assert failed == [
        "account north",
        "account south",
        "account west",
        f"{3 * STREAMS} of {3 * STREAMS + OTHERS} streams failed. First",
    ]


@pytest.mark.usefixtures("no_waits")
def test_a_name_that_dns_does_not_know_is_told_apart_from_a_refused_connection(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def fail(host: Any, *args: Any, **options: Any) -> Any:
        if host == "crm.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    run = run_both(box, run_here, api_url="https://crm.invalid")
    line, _ = lines_of(run)
    assert line.startswith("account acme: no response: cannot resolve the name of crm.invalid:443 ")
    assert "`kommo.subdomain`" in line


@pytest.mark.usefixtures("no_waits")
def test_a_proxy_that_refuses_connections_is_named_with_its_variable(
    box: Sandbox, run_here: Runner
) -> None:
    place = f"127.0.0.1:{free_port()}"
    proxy = {"HTTPS_PROXY": f"http://ann:canary@{place}", "NO_PROXY": "", "no_proxy": ""}
    config = {"kommo": settings_for(box.kommo) | {"api_url": "https://crm.invalid"}}
    run = run_here(config, catalog=None, environment=proxy)
    line, summary = lines_of(run)
    assert line == (
        f"account acme: no response: the proxy {place} refused the connection. Check HTTPS_PROXY "
        "and the proxy"
    )
    assert summary == f"{STREAMS} of {STREAMS} streams failed. First: {line}"
    assert "canary" not in run.stderr


@pytest.mark.usefixtures("no_waits")
def test_a_server_without_tls_is_told_apart_too(box: Sandbox, run_here: Runner) -> None:
    url = box.kommo.url.replace("http:", "https:")
    line, _ = lines_of(run_both(box, run_here, api_url=url))
    assert line.startswith("account acme: no response: the TLS handshake with 127.0.0.1:")


@pytest.mark.parametrize("subdomain", ["missing", "redirect"])
@pytest.mark.parametrize("streams", [(), ("kommo_tasks", "kommo_leads", "kommo_lists")])
def test_a_subdomain_of_no_account_is_reported_once(
    box: Sandbox,
    run_here: Runner,
    subdomain: Literal["missing", "redirect"],
    streams: tuple[str, ...],
) -> None:
    box.kommo.options.subdomain = subdomain
    catalog = catalog_for(*streams) if streams else None
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    line, summary = run.said()
    count = len(streams) or STREAMS
    causes = {
        "missing": "account acme: there is no Kommo account at 127.0.0.1:",
        "redirect": "account acme: Kommo redirects to another host, ",
    }
    assert line.startswith(causes[subdomain])
    assert line.endswith("Check `kommo.subdomain`, `kommo.domain` and `kommo.api_url`")
    assert summary == f"{count} of {count} streams failed. First: {line}"
    assert len(box.kommo.journal) <= 2


def test_a_missing_account_ends_no_other_source(box: Sandbox, run_here: Runner) -> None:
    box.kommo.options.subdomain = "missing"
    assert len(run_both(box, run_here).said()) == 2


def test_a_list_that_is_missing_in_an_account_that_exists_is_skipped(
    box: Sandbox, run_here: Runner
) -> None:
    box.kommo.faults.plan(404)
    catalog = catalog_for("kommo_tags", "kommo_leads")
    run = run_here({"kommo": settings_for(box.kommo)}, catalog=catalog)
    assert run.code == 0
    (line,) = run.said()
    assert line.startswith("kommo_tags, account acme: Kommo has no such data for this account ")
    assert line.endswith("; the stream is skipped. Deselect the stream")
    assert set(run.ids("kommo_leads")) == everyone(box.kommo)


def test_columns_of_custom_fields_of_a_closed_account_cost_one_warning(
    box: Sandbox, run_here: Runner
) -> None:
    config = settings_for(box.kommo, custom_fields="columns") | {"access_token": "wrong"}
    run = run_here({"kommo": config}, catalog=None)
    warning, error, summary = run.said()
    assert "cannot list the custom fields" in warning
    assert error.startswith("account acme: Kommo rejected `kommo.access_token` (HTTP 401)")
    assert summary.endswith(error)
    assert len(box.kommo.journal) == 1
