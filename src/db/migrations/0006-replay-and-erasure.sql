-- What is no longer believed: a replay came to another verdict, or an operator took back what a
-- provider had reported by mistake. The row stays; lists and answers are made from the others. Not
-- validated, which would read the whole history under a lock: nothing there has been withdrawn.
alter table feedback
  add column withdrawn_at timestamptz(3),
  add column withdrawn_by text,
  add constraint feedback_withdrawn_check
    check (
      num_nulls(withdrawn_at, withdrawn_by) in (0, 2) and withdrawn_by in ('replay', 'revert'))
    not valid;

-- What one message led to; what was reported without a message (replies that a sender handed in).
create index feedback_message on feedback (tenant_id, received_message_id)
  where received_message_id is not null;
create index feedback_without_message on feedback (tenant_id, reported_at, feedback_id)
  where received_message_id is null and origin = 'report';

-- An operator vouched for it: no replay asks for evidence again.
alter table received_message add column released_at timestamptz(3);

-- A complaint whose signature could not be verified when it came is looked at again. Null: not yet.
alter table received_message add column decide_again_at timestamptz(3);
create index received_message_dkim_undecided on received_message (received_at)
  where outcome_reason = 'dkim-undecided';

-- Pages of messages in both directions, of every outcome.
drop index received_message_undecided;
create index received_message_outcome
  on received_message (tenant_id, outcome, received_at, received_message_id);

-- The oldest bytes go first, and to the byte: times alone are not unique.
drop index raw_message_received;
create index raw_message_received on raw_message (received_at, tenant_id, mail_id);

-- When a list was last emptied by hand: what was reported before does not come back.
create index audit_entry_remove_all on audit_entry (tenant_id, list, group_id, happened_at desc)
  where action = 'suppression.remove-all';

-- People who were erased, by the keyed hash that stands for their address from then on.
create table erased_address (
  tenant_id integer not null,
  address text collate "C" not null,
  erased_at timestamptz(3) not null,
  primary key (tenant_id, address)
);
