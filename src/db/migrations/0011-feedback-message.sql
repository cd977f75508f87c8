-- no transaction
-- What one message led to.
create index concurrently if not exists feedback_message
  on feedback (tenant_id, received_message_id)
  where received_message_id is not null;
