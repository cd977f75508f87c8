-- no transaction
-- What was reported without a message (replies that a sender handed in).
create index concurrently if not exists feedback_without_message
  on feedback (tenant_id, reported_at, feedback_id)
  where received_message_id is null and origin = 'report';
