"""The charts of the report: a title, a query on the models, and how to draw its rows."""
# ruff: noqa: E501 - a query reads best as it is run

from collections.abc import Callable
from typing import Any, NamedTuple

import altair as alt

Row = dict[str, Any]
BLUE, PALE, RED = "#2f6fde", "#c9daf8", "#b8474e"
COLORS = {"Kommo": BLUE, "Dashly": "#0f8a7d", "Carrot quest": "#c2620a", "Octanist": "#8e4ec6"}


class Chart(NamedTuple):
    """A chart; each value of the column `split` has a drawing of its own."""

    title: str
    about: str
    sql: str
    draw: Callable[[list[Row]], Any]
    split: str = ""


def by_week(rows: list[Row]) -> Any:
    """Draw stacked columns, with the months below."""
    systems = [name for name in COLORS if any(row["system"] == name for row in rows)]
    colors = alt.Scale(domain=systems, range=[COLORS[name] for name in systems])
    months = "utcdate(datum.value) <= 7 ? utcFormat(datum.value, '%b') : ''"
    axis = alt.Axis(labelExpr=months, labelAngle=0, ticks=False, labelOverlap=False)
    return alt.Chart(alt.InlineData(rows), height=240).mark_bar(width={"band": 0.85}).encode(
        alt.X("week:O", timeUnit="utcyearmonthdate", title=None, axis=axis),
        alt.Y("leads:Q", title=None),
        alt.Color("system:N", scale=colors, legend=alt.Legend(title=None, orient="top", columns=2)),
        tooltip=[alt.Tooltip("week:T", format="%b %d, %Y"), "system:N", "leads:Q"],
    )  # fmt: skip


def bars(name: str, value: str, color: str = BLUE, behind: str = "") -> Callable[[list[Row]], Any]:
    """Return a function that draws bars below their name and `label`, so that they fit a phone."""

    def draw(rows: list[Row]) -> Any:
        scale = alt.Scale(domain=[0, max(row[behind or value] for row in rows) or 1])
        base = alt.Chart(alt.InlineData(rows), height=46 * len(rows)).encode(
            alt.Y(f"{name}:N", sort=None, axis=None))  # fmt: skip
        layers = [
            base.mark_bar(color=shade, height=14, yOffset=8, cornerRadius=3)
            .encode(alt.X(f"{column}:Q", scale=scale, axis=None))
            for column, shade in ((behind, PALE), (value, color)) if column
        ]  # fmt: skip
        text = base.transform_calculate(text=f"truncate(datum.{name}, 26) + '  ·  ' + datum.label").mark_text(
            align="left", dy=-9)  # fmt: skip
        return alt.layer(*layers, text.encode(x=alt.value(0), text="text:N"))

    return draw


CHARTS = (
    Chart("Leads by week", "By the first touch of each lead, in the last 26 weeks.", """
select cast(cast(date_trunc('week', first_touch_on) as date) as text) as week, count(*) as leads,
    replace(initcap(system), 'Carrotquest', 'Carrot quest') as system, count(*) || ' leads' as label
from leads where first_touch_on >= date_trunc('week', current_date) - interval '25 weeks'
group by week, system order by week, system""", by_week),
    Chart("Funnel", "Leads that were ever in a stage (pale), and that went on from it (blue).", """
select pipeline, stage, sum(entered) as entered, sum(went_on) as went_on,
    sum(entered) || ' leads, ' || round(100 * sum(went_on) / sum(entered)) || '% went on' as label
from pipeline_funnel
group by pipeline_id, pipeline, status_id, stage, stage_position order by pipeline_id, stage_position""", bars("stage", "went_on", behind="entered"), "pipeline"),
    Chart("Days per stage", "Average of all stays that ended.", """
select pipeline, stage, avg(days) as days, round(avg(days), 1) || ' days' as label
from lead_stage_history where until_at is not null and status_id not in (142, 143)
group by pipeline_id, pipeline, status_id, stage, stage_position order by pipeline_id, stage_position""", bars("stage", "days"), "pipeline"),
    Chart("Win rate by source", "Won leads in percent of closed ones, if at least 5 are closed.", """
select initcap(system) as system, coalesce(value, 'no source') as source,
    100 * sum(won) / sum(closed) as won_percent, sum(won) as won, sum(closed) as closed, 100 as whole,
    round(100 * sum(won) / sum(closed)) || '% (' || sum(won) || ' of ' || sum(closed) || ')' as label
from win_rate where dimension = 'channel'
group by system, value having sum(closed) >= 5
order by system, won_percent desc""", bars("source", "won_percent", behind="whole"), "system"),
    Chart("Value lost by reason", "Lost leads and their value.", """
select coalesce(currency, 'no currency') as currency, coalesce(reason, 'no reason') as reason,
    sum(value) as value, sum(leads) as leads,
    to_char(sum(value), 'FM999,999,999,990') || ' (' || sum(leads) || ' leads)' as label
from lost_reasons
group by lost_reasons.currency, lost_reasons.reason
order by currency, value desc""", bars("reason", "value", RED), "currency"),
    Chart("First response", "From the creation of a lead in Kommo to the first call or message of a person.", """
select case when first_response_hours is null then 'none yet'
        when first_response_hours <= 1 then 'within an hour'
        when first_response_hours <= 24 then 'within a day'
        when first_response_hours <= 72 then 'within 3 days' else 'later' end as response,
    count(*) as leads,
    count(*) || ' leads, ' || round(100.0 * count(*) / sum(count(*)) over ()) || '%' as label
from activity where system = 'kommo'
group by response order by min(first_response_hours)""", bars("response", "leads")),
)  # fmt: skip
FIGURES = """
select to_char(min(first_touch_on), 'Mon FMDD, YYYY') as first,
    to_char(max(first_touch_on), 'Mon FMDD, YYYY') as last, count(distinct lead_key) as "leads", count(distinct person_key) as "people",
    count(case when status in ('open', 'qualified') then 1 end) as "open",
    count(case when status = 'won' then 1 end) as "won", count(case when status = 'lost' then 1 end) as "lost",
    (select percentile_cont(0.5) within group (order by first_response_hours)
        from activity where system = 'kommo') as "median hours to respond"
from leads where status <> 'deleted'"""
