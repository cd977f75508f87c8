-- no transaction
-- Few rows, and only while somebody has to decide.
create index concurrently if not exists feedback_held
  on feedback (tenant_id, reported_at, feedback_id)
  where withdrawn_by = 'storm';
