-- A change of many addresses at once is one event: its detail is {"addresses": […]}.
alter table outbox
  alter column address drop not null,
  add constraint outbox_address_check check (address is not null or detail ? 'addresses') not valid;

-- The line of a file that an entry began with is its own occurrence, and has no history beside it:
-- null = it began otherwise, {} = what the entry says are the words of that line, else those words,
-- which others have replaced.
alter table suppression add column import_line jsonb;

-- Files that are worked on after they have been received.
create table import_job (
  tenant_id integer not null,
  import_job_id uuid not null,
  list text collate "C" not null
    check (list in ('bounces', 'spam_reports', 'global_unsubscribes', 'group_unsubscribes')),
  group_id integer not null default 0,
  -- Of rows that do not say it.
  bounce_class text not null check (bounce_class in ('hard', 'soft', 'block')),
  -- Whether each address is an event of its own.
  tells_each boolean not null,
  -- Who asked for it.
  actor_kind text not null,
  actor_id text not null,
  actor_name text,
  reason text,
  request_id text,
  state text not null
    check (state in ('receiving', 'queued', 'running', 'finished', 'cancelled', 'failed')),
  created_at timestamptz(3) not null,
  started_at timestamptz(3),
  finished_at timestamptz(3),
  -- How many parts its file has, once it is there whole.
  chunks integer,
  -- Whose export it turned out to be.
  format text,
  -- Which records of the file are worked off, counted from 0.
  done int8multirange not null default '{}',
  rows bigint not null default 0,
  imported bigint not null default 0,
  skipped bigint not null default 0,
  error_count bigint not null default 0,
  -- The first thousand: [{"row", "email", "error"}].
  errors jsonb not null default '[]',
  audit_entry_id uuid,
  -- Whoever receives it or works on it, and until when others take him for alive.
  worker_id uuid,
  lease_until timestamptz(3),
  attempts integer not null default 0,
  primary key (tenant_id, import_job_id)
);
create index import_job_listing on import_job (tenant_id, created_at desc, import_job_id desc);
create index import_job_open on import_job (created_at)
  where state in ('receiving', 'queued', 'running');

-- The bytes of such a file until it is worked off, in its order.
create table import_chunk (
  tenant_id integer not null,
  import_job_id uuid not null,
  position integer not null,
  bytes bytea not null,
  primary key (tenant_id, import_job_id, position)
);
-- To compress them would cost more time than to write them.
alter table import_chunk alter column bytes set storage external;
