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

-- An operator vouched for it: no replay asks for evidence again.
alter table received_message add column released_at timestamptz(3);

-- A complaint whose signature could not be verified when it came is looked at again. Null: not yet.
alter table received_message add column decide_again_at timestamptz(3);

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
