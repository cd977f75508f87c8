-- no transaction
-- Few rows: complaints to be looked at again.
create index concurrently if not exists received_message_dkim_undecided
  on received_message (received_at)
  where outcome_reason = 'dkim-undecided';
