"""An OSError ends what it belongs to: an account that cannot connect, or a run without output."""

from __future__ import annotations

import errno
import io
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_leads.singer import writer
from tests.support.run import everyone
from tests.support.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from sandbox import Sandbox
    from tests.support.run import Run

    Runner = Callable[..., Run]


def test_a_wrong_ca_bundle_ends_its_account_with_a_line_that_names_it_and_no_other_source(
    box: Sandbox, run_here: Runner, tmp_path: Path
) -> None:
    bundle = tmp_path / "no-such-file.pem"
    secure = box.dashly.url.replace("http:", "https:")
    run = run_here(
        {
            "dashly": settings_for(box.dashly) | {"api_url": secure},
            "octanist": settings_for(box.octanist),
        },
        environment={"REQUESTS_CA_BUNDLE": str(bundle)},
    )
    assert run.code == 1
    assert f"the CA bundle {bundle} cannot be read" in run.said()[0]
    assert "internal error" not in run.stderr
    assert set(run.ids("octanist_leads")) == everyone(box.octanist)


class Full(io.BytesIO):
    """A file on a disk that is full."""

    @override
    def write(self, _content: Any, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_ends_the_run_with_one_line(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_stdout", Full)
    run = run_here({"octanist": settings_for(box.octanist), "dashly": settings_for(box.dashly)})
    assert run.code == 1
    assert run.said() == ["cannot write to stdout: No space left on device"]
    assert box.octanist.journal == []


def test_an_oserror_that_is_not_about_the_output_ends_its_stream_alone(
    box: Sandbox, run_here: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*_args: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("tap_leads.sources.dashly.api.DashlyApi.page", page)
    run = run_here({slot: settings_for(api) for slot, api in box.apis.items()})
    assert run.code == 1
    assert [line for line in run.said() if "internal error" in line]
    assert set(run.ids("octanist_leads")) == everyone(box.octanist)
