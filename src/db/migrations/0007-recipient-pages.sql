-- How the pages of a tenant's recipients look. What is null or absent is ours.
create table recipient_page (
  tenant_id integer primary key references tenant,
  sender_name text,
  color text check (color ~ '^#[0-9a-f]{6}$'),
  landing_url text,
  -- By language, or 'default': {"de": {"introduction", "farewell", "footer"}}.
  texts jsonb not null default '{}',
  -- In the address of the image: unguessable, another one for each image.
  logo_id uuid unique,
  logo_type text check (logo_type in ('image/png', 'image/jpeg', 'image/webp')),
  logo bytea,
  updated_at timestamptz(3) not null,
  check (num_nulls(logo_id, logo_type, logo) in (0, 3))
);

-- Recipients can come back, and choose on a page of their own. Not validated, which would read the
-- whole history under a lock: what is there has passed the narrower checks.
alter table feedback
  drop constraint feedback_kind_check,
  add constraint feedback_kind_check
    check (kind in ('bounce', 'spam-report', 'unsubscribe', 'resubscribe')) not valid,
  drop constraint feedback_via_check,
  add constraint feedback_via_check
    check (via in ('mailto', 'one-click', 'confirm-page', 'feedback-report', 'preferences-page', 'undo'))
    not valid;
