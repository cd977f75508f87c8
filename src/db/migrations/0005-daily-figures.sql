-- Feedback a day, counted ahead. '' stands for what the kind of feedback does not have, and as the
-- domain for all of them together.
create table daily_figure (
  tenant_id integer not null,
  day date not null,
  domain text collate "C" not null,
  origin text not null,
  kind text not null,
  bounce_class text not null,
  classification text not null,
  entries bigint not null,
  primary key (tenant_id, day, domain, origin, kind, bounce_class, classification)
);

-- The one row says how far: all feedback reported before counted_until is in the figures, but for
-- the days below. Whoever writes feedback from before closed_until puts its day there; closed_until
-- runs ahead by more than any transaction lasts, so that none is passed while it writes.
create table daily_figure_progress (
  only_row boolean primary key default true check (only_row),
  counted_until timestamptz(3) not null,
  closed_until timestamptz(3) not null,
  closed_at timestamptz(3) not null
);
-- Nothing was reported before there was a tenant. To look for the oldest report would read the whole
-- history, while whoever writes waits.
insert into daily_figure_progress (counted_until, closed_until, closed_at)
select start, start, now()
from (
  select
    date_bin('10 minutes', coalesce(min(created_at) - interval '1 day', now()), '2000-01-01 00:00Z')
      as start
  from tenant
) as oldest;

-- Days whose figures are not to be used until they have been counted again. A row for each writer:
-- none waits for another.
create table daily_figure_recount (
  tenant_id integer not null,
  day date not null,
  recount_id uuid not null default gen_random_uuid(),
  primary key (tenant_id, day, recount_id)
);
