-- A million contacts of one account, their links, visits and notes: what `benchmarks/desk.py` reads.
-- Parameters: contacts, links, visits, notes. Made by the database alone, in minutes.

INSERT INTO shortlinks_contact (account_id, entity_id, name, first_name, last_name,
  responsible_user_id, group_id, is_deleted, created_at, updated_at)
SELECT %(account)s, n, 'Client ' || md5(n::text), '', '',
  %(first_user)s + n %% %(users)s, %(first_group)s + n %% %(groups)s, false, now(), now()
FROM generate_series(1, %(contacts)s) AS n;

INSERT INTO shortlinks_shortlink (account_id, contact_id, code, url, target, url_sha256,
  batch, created_at)
SELECT %(account)s, first.id + n %% %(contacts)s, lpad(to_hex(n), 12, '0'), url, url,
  sha256(url::bytea), gen_random_uuid(), now() - n * interval '90 days' / %(links)s
FROM generate_series(1, %(links)s) AS n,
  (SELECT min(id) AS id FROM shortlinks_contact) AS first,
  LATERAL (SELECT 'https://shop.example/page/' || n / %(contacts)s * 1000 + n %% 997 AS url) AS u;

SELECT shortlinks_add_visit_partition((now() - make_interval(months => ago))::date)
FROM generate_series(1, 3) AS ago;

INSERT INTO shortlinks_visit (id, link_id, occurred_at, followed_up_at, pixel_is_new,
  method, verdict, reason, source, user_agent, accept_language, referer, sec_fetch, purpose)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
  first.id + n %% %(links)s, at, at, false, 'GET',
  (ARRAY['person', 'person', 'person', 'bot', 'preview'])[1 + n %% 5], 'browser',
  decode(md5(n::text), 'hex'),
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'ru', '', 'none navigate document ?1', ''
FROM generate_series(1, %(visits)s) AS n,
  (SELECT min(id) AS id FROM shortlinks_shortlink) AS first,
  LATERAL (SELECT now() - n * interval '90 days' / %(visits)s AS at) AS t;

INSERT INTO shortlinks_dailyvisits (link_id, day, verdict, visits)
SELECT link_id, (occurred_at AT TIME ZONE 'Europe/Moscow')::date, verdict, count(*)
FROM shortlinks_visit GROUP BY 1, 2, 3;

INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, link_id, url, opens,
  period, created_at, updated_at)
SELECT %(account)s, link.contact_id, 'link_followed', '', link.id, link.url, 1,
  tstzrange(at, at + interval '10 minutes'), at, at
FROM generate_series(1, %(notes)s) AS n,
  (SELECT min(id) AS id FROM shortlinks_shortlink) AS first,
  LATERAL (SELECT now() - n * interval '30 days' / %(notes)s AS at) AS t,
  LATERAL (SELECT id, contact_id, url FROM shortlinks_shortlink
           WHERE id = first.id + n * 7::bigint %% %(links)s) AS link;
