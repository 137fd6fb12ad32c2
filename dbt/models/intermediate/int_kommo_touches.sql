{#- Columns that later versions of the tap lift from `params` are read where they are. -#}
{%- set note_columns = {
    'account': 'text', 'id': 'integer', 'entity_id': 'integer', 'note_type': 'text',
    'created_by': 'integer', 'created_at': 'timestamp', 'duration': 'integer', 'params': 'json',
} -%}

with

leads as (
    select * from {{ ref('int_kommo_leads') }}
),

lead_notes as (
    {{ tap_leads.stage(tap_leads.raw('kommo_lead_notes'), note_columns, ['account', 'id']) | indent(4) }}
),

contact_notes as (
    {{ tap_leads.stage(tap_leads.raw('kommo_contact_notes'), note_columns, ['account', 'id']) | indent(4) }}
),

talks as (
    {{ tap_leads.stage(tap_leads.raw('kommo_talks'), {
        'account': 'text', 'talk_id': 'integer', 'contact_id': 'integer', 'entity_id': 'integer',
        'entity_type': 'text',
    }, ['account', 'talk_id']) | indent(4) }}
),

messages as (
    {{ tap_leads.stage(tap_leads.raw('kommo_messages'), {
        'account': 'text', 'id': 'text', 'talk_id': 'integer', 'type': 'text',
        'author_type': 'text', 'created_at': 'timestamp',
    }, ['account', 'id']) | indent(4) }}
),

-- What hangs on a contact belongs to the leads of that contact that were open at that moment.
contact_leads as (
    select
        links.account,
        links.contact_id,
        links.lead_id,
        leads.created_at as open_from,
        leads.closed_at as open_until
    from {{ ref('lead_contacts') }} as links
    inner join leads on links.lead_key = leads.lead_key
),

notes as (
    select
        account,
        entity_id as lead_id,
        'lead_note:' || cast(id as {{ tap_leads.type('text') }}) as touch_id,
        note_type,
        created_at,
        duration,
        params
    from lead_notes

    union all

    select
        notes.account,
        links.lead_id,
        'contact_note:' || cast(notes.id as {{ tap_leads.type('text') }}) as touch_id,
        notes.note_type,
        notes.created_at,
        notes.duration,
        notes.params
    from contact_notes as notes
    inner join contact_leads as links
        on
            notes.account = links.account
            and notes.entity_id = links.contact_id
            and notes.created_at >= links.open_from
            and notes.created_at <= coalesce(links.open_until, notes.created_at)
),

note_touches as (
    select
        account,
        lead_id,
        touch_id,
        case
            when note_type in ('call_in', 'call_out') then 'call'
            when note_type in ('sms_in', 'sms_out') then 'message'
            else 'note'
        end as kind,
        case
            when note_type in ('call_in', 'sms_in') then 'incoming'
            when note_type in ('call_out', 'sms_out') then 'outgoing'
        end as direction,
        created_at as touched_at,
        case when note_type in ('call_in', 'call_out') then coalesce(duration, cast(nullif(
            {{ tap_leads.without(tap_leads.json_text('params', 'duration'), '[^0-9]') }}, ''
        ) as {{ tap_leads.type('integer') }})) end as call_seconds,
        false as is_bot
    from notes
),

message_touches as (
    select
        messages.account,
        coalesce(
            case when talks.entity_type in ('lead', 'leads') then talks.entity_id end,
            links.lead_id
        ) as lead_id,
        'message:' || messages.id as touch_id,
        'message' as kind,
        messages.type as direction,
        messages.created_at as touched_at,
        {{ tap_leads.nulls(['call_seconds'], 'integer') | trim }},
        coalesce(messages.author_type, '') = 'bot' as is_bot
    from messages
    inner join talks
        on messages.account = talks.account and messages.talk_id = talks.talk_id
    left join contact_leads as links
        on
            talks.account = links.account
            and talks.contact_id = links.contact_id
            and coalesce(talks.entity_type, '') not in ('lead', 'leads')
            and messages.created_at >= links.open_from
            and messages.created_at <= coalesce(links.open_until, messages.created_at)
),

-- The API has no date of completion: the last change of a completed task stands for it.
task_touches as (
    select
        account,
        entity_id as lead_id,
        'task:' || cast(id as {{ tap_leads.type('text') }}) as touch_id,
        'task' as kind,
        {{ tap_leads.nulls(['direction']) | trim }},
        updated_at as touched_at,
        {{ tap_leads.nulls(['call_seconds'], 'integer') | trim }},
        false as is_bot
    from {{ ref('stg_kommo_tasks') }}
    where entity_type = 'leads' and is_completed
),

touches as (
    select * from note_touches
    union all
    select * from message_touches
    union all
    select * from task_touches
)

select
    leads.lead_key,
    touches.touch_id,
    touches.kind,
    touches.direction,
    touches.touched_at,
    touches.call_seconds,
    touches.is_bot
from touches
inner join leads
    on touches.account = leads.account and touches.lead_id = leads.id
