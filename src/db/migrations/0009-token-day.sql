-- With the message reference it tells of which mail a token was: that mail puts its recipient onto
-- a list once. Null without a token. Reports that came after that count no longer ('repeat').
alter table feedback
  add column token_day integer,
  drop constraint feedback_withdrawn_check,
  add constraint feedback_withdrawn_check
    check (
      num_nulls(withdrawn_at, withdrawn_by) in (0, 2)
      and withdrawn_by in ('replay', 'revert', 'storm', 'drop', 'repeat'))
    not valid;
