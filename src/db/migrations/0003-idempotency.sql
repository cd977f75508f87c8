-- POST requests that came with an Idempotency-Key. The answer may hold a secret, such as a new API
-- key: it is encrypted under HEARBACK_SECRET.
create table idempotency_key (
  tenant_id integer not null,
  -- SHA-256 of the credential and its key.
  key_hash bytea not null,
  -- SHA-256 of method, path, query and body.
  request_hash bytea not null,
  begun_at timestamptz(3) not null,
  -- null: in progress.
  encrypted_answer bytea,
  primary key (tenant_id, key_hash)
);
create index idempotency_key_begun on idempotency_key (begun_at);
