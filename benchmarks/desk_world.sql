-- A million contacts of one account, their links, visits and notes: what `benchmarks/desk.py` reads.
-- Parameters: contacts, links, visits, notes. Made by the database alone, in minutes. Beside
-- them some of everything else that pages list; and a neighbour, an account of 100 contacts.

INSERT INTO shortlinks_contact (account_id, entity_id, name, first_name, last_name,
  responsible_user_id, group_id, is_deleted, created_at, updated_at)
SELECT %(account)s, n, 'Client ' || md5(n::text), '', '',
  %(first_user)s + n %% %(users)s, %(first_group)s + n %% %(groups)s, false, now(), now()
FROM generate_series(1, %(contacts)s) AS n;

INSERT INTO shortlinks_shortlink (account_id, contact_id, code, url, target, url_sha256,
  batch, created_at)
SELECT %(account)s, first.id + n %% %(contacts)s, lpad(to_hex(n), 12, '0'), url, url,
  sha256(url::bytea), gen_random_uuid(), now() - (%(links)s - n) * interval '90 days' / %(links)s
FROM generate_series(1, %(links)s) AS n,
  (SELECT min(id) AS id FROM shortlinks_contact) AS first,
  LATERAL (SELECT 'https://shop.example/page/' || n / %(contacts)s * 1000 + n %% 997 AS url) AS u;

SELECT shortlinks_add_visit_partition((now() - make_interval(months => ago))::date)
FROM generate_series(1, 3) AS ago;

INSERT INTO shortlinks_visit (id, link_id, occurred_at, processed_at, pixel_is_new,
  method, verdict, reason, visitor_hash, user_agent, accept_language, referer, sec_fetch, purpose)
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

ALTER TABLE shortlinks_dailyvisits DISABLE TRIGGER USER;

INSERT INTO shortlinks_dailyvisits (link_id, day, verdict, visits)
SELECT link_id, (occurred_at AT TIME ZONE 'Europe/Moscow')::date, verdict, count(*)
FROM shortlinks_visit GROUP BY 1, 2, 3;

ALTER TABLE shortlinks_dailyvisits ENABLE TRIGGER USER;

ANALYZE;

SELECT shortlinks_roll_up_last_opens(min(link_id), max(link_id)) FROM shortlinks_dailyvisits;

SELECT shortlinks_roll_up_day(day::date)
FROM generate_series(now() - interval '92 days', now() + interval '1 day', interval '1 day') AS day;

INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, link_id, url, opens,
  period, created_at, updated_at)
SELECT %(account)s, link.contact_id, 'link_followed', '', link.id, link.url, 1,
  tstzrange(at, at + interval '10 minutes'), at, at
FROM generate_series(1, %(notes)s) AS n,
  (SELECT min(id) AS id FROM shortlinks_shortlink) AS first,
  LATERAL (SELECT now() - n * interval '30 days' / %(notes)s AS at) AS t,
  LATERAL (SELECT id, contact_id, url FROM shortlinks_shortlink
           WHERE id = first.id + n * 7::bigint %% %(links)s) AS link;

INSERT INTO shortlinks_note (account_id, contact_id, note_type, text, url, opens, created_at, updated_at)
SELECT %(account)s, first.id + n * 7 %% %(contacts)s, 'common', 'Called ' || n, '', 0, now(), now()
FROM generate_series(1, %(notes)s / 50) AS n, (SELECT min(id) AS id FROM shortlinks_contact) AS first;

UPDATE shortlinks_shortlink SET disabled_at = now() WHERE id %% 1000 = 0;

UPDATE shortlinks_contact SET is_deleted = true WHERE id %% 1000 = 0;

INSERT INTO shortlinks_chat (account_id, contact_id, source, external_id, title, visitor_uid, created_at, updated_at)
SELECT %(account)s, first.id + n * 7 %% %(contacts)s, 'site', md5(n::text), 'Chat ' || n, '', now(), now()
FROM generate_series(1, %(contacts)s / 10) AS n, (SELECT min(id) AS id FROM shortlinks_contact) AS first;

INSERT INTO shortlinks_pixel (account_id, cookie_sha256, visitor_uid, created_at, last_seen_at)
SELECT %(account)s, sha256(n::text::bytea), substr(md5(n::text), 1, 26), now(), now()
FROM generate_series(1, %(contacts)s / 5) AS n;

INSERT INTO shortlinks_pixelattachment (pixel_id, contact_id, evidence, first_seen_at, last_seen_at)
SELECT pixel.id, first.id + pixel.id * 3 %% %(contacts)s, 'click', now(), now()
FROM shortlinks_pixel AS pixel, (SELECT min(id) AS id FROM shortlinks_contact) AS first;

INSERT INTO shortlinks_webhook (account_id, destination, settings, sort, secret, created_at, updated_at,
  disabled_reason, failures)
SELECT %(account)s, 'https://crm.example/' || n, '{note_contact}', 1, 'none', now(), now(), '', 0
FROM generate_series(1, 5) AS n;

INSERT INTO shortlinks_webhookdelivery (webhook_id, event, event_id, contact_id, subject_id, facts, state,
  attempts, created_at, delivered_at)
SELECT (SELECT min(id) FROM shortlinks_webhook) + n %% 5, 'note_contact', gen_random_uuid(), 1, n, '{}',
  CASE WHEN n %% 5000 = 0 THEN 'failed' ELSE 'delivered' END, 1,
  now() - n * interval '7 days' / %(notes)s, now()
FROM generate_series(1, %(notes)s) AS n;

INSERT INTO shortlinks_mergesuggestion (account_id, one_id, other_id, rule, evidence, state, created_at)
SELECT %(account)s, first.id + n * 2, first.id + n * 2 + 1, 'R5', '{}',
  CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'rejected' END, now()
FROM generate_series(1, %(contacts)s / 100) AS n, (SELECT min(id) AS id FROM shortlinks_contact) AS first;

INSERT INTO shortlinks_contact (account_id, entity_id, name, first_name, last_name, is_deleted,
  created_at, updated_at)
SELECT %(neighbour)s, n, 'Neighbour ' || n, '', '', false, now(), now() FROM generate_series(1, 100) AS n;

INSERT INTO shortlinks_shortlink (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT %(neighbour)s, id, 'z' || lpad(to_hex(id), 11, '0'), url, url, sha256(url::bytea), gen_random_uuid(), now()
FROM (SELECT id, 'https://neighbour.example/' || id AS url FROM shortlinks_contact
      WHERE account_id = %(neighbour)s) AS c;

INSERT INTO shortlinks_shortlink (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT %(account)s, first.id + n, 'y' || lpad(to_hex(n), 11, '0'), url, url, sha256(url::bytea),
  gen_random_uuid(), now()
FROM generate_series(1, %(contacts)s / 33) AS n, (SELECT min(id) AS id FROM shortlinks_contact) AS first,
  LATERAL (SELECT 'https://shop.example/new' AS url) AS u;
