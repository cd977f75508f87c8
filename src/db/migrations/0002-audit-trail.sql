-- Every change that somebody made by hand: who, with which key, when, why. One row an address, or
-- one without an address for a change of many (import, delete all) or of none (groups, keys).
create table audit_entry (
  tenant_id integer not null,
  audit_entry_id uuid not null,
  happened_at timestamptz(3) not null,
  actor_kind text not null check (actor_kind in ('api-key', 'jwt', 'command', 'daemon')),
  -- Id of the key, subject of the token, user name of the operator.
  actor_id text not null,
  actor_name text,
  action text not null,
  list text,
  group_id integer,
  address text collate "C",
  -- Addresses that were really changed.
  entries integer,
  reason text,
  request_id text,
  detail jsonb not null default '{}',
  primary key (tenant_id, audit_entry_id)
);
create index audit_entry_listing on audit_entry (tenant_id, happened_at desc, audit_entry_id desc);
create index audit_entry_address on audit_entry (tenant_id, address, happened_at desc)
  where address is not null;
