-- Hard and block reports far beyond what a tenant is used to are held back until somebody decides.
alter table tenant
  -- How many times the usual number an hour may bring; 0: any number.
  add column storm_factor integer not null default 10 check (storm_factor >= 0),
  -- Fewer than this are never a storm.
  add column storm_floor integer not null default 1000 check (storm_floor >= 1);

-- Hard and block reports an hour that were believed. Each writer has a slot of its own, because one
-- row would serialise all commits.
create table bounce_rate (
  tenant_id integer not null,
  hour timestamptz(3) not null,
  -- Who receives the mail: google, microsoft, …, or a domain.
  provider text collate "C" not null,
  slot integer not null,
  -- Below zero where a slot takes back what another one counted.
  believed bigint not null,
  primary key (tenant_id, hour, provider, slot)
);
create index bounce_rate_hour on bounce_rate (hour);

alter table feedback
  drop constraint feedback_withdrawn_check,
  add constraint feedback_withdrawn_check
    check (
      num_nulls(withdrawn_at, withdrawn_by) in (0, 2)
      and withdrawn_by in ('replay', 'revert', 'storm', 'drop'))
    not valid;
