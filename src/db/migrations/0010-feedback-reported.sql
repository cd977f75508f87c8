-- no transaction
-- Costs nothing but one entry for 128 pages: history is appended in the order of time.
create index concurrently if not exists feedback_reported
  on feedback using brin (reported_at) with (autosummarize = on);
