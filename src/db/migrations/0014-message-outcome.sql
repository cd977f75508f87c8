-- no transaction
-- Pages of messages in both directions, of every outcome.
create index concurrently if not exists received_message_outcome
  on received_message (tenant_id, outcome, received_at, received_message_id);
