-- A state database as the first schema kept it, filled; tests upgrade it.
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.condition (
    sync text NOT NULL,
    kind text NOT NULL,
    since timestamp with time zone NOT NULL,
    level integer NOT NULL,
    telling text NOT NULL,
    words text NOT NULL,
    claimed_until timestamp with time zone
);
CREATE TABLE public.held (
    sync text NOT NULL,
    run text NOT NULL,
    guards text NOT NULL,
    counts text NOT NULL,
    held_at timestamp with time zone NOT NULL,
    approved_at timestamp with time zone,
    approved_by text,
    expires_at timestamp with time zone
);
CREATE TABLE public.held_change (
    sync text NOT NULL,
    foreign_id text NOT NULL,
    action text NOT NULL,
    content bytea NOT NULL
);
CREATE TABLE public.invalid (
    id bigint NOT NULL,
    sync text NOT NULL,
    run text NOT NULL,
    foreign_id text,
    "position" text NOT NULL,
    problems text NOT NULL
);
CREATE SEQUENCE public.invalid_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.invalid_id_seq OWNED BY public.invalid.id;
CREATE TABLE public.journal (
    id bigint NOT NULL,
    run text NOT NULL,
    sync text NOT NULL,
    foreign_id text NOT NULL,
    gomus_id bigint,
    action text NOT NULL,
    fields text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    result text,
    status integer,
    attempts integer,
    error text
);
CREATE SEQUENCE public.journal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.journal_id_seq OWNED BY public.journal.id;
CREATE TABLE public.known (
    "row" bigint NOT NULL,
    sync text NOT NULL,
    foreign_id text NOT NULL,
    gomus_id bigint,
    record bytea,
    source bytea,
    fields bytea NOT NULL,
    absent_since timestamp with time zone,
    told_gone boolean NOT NULL,
    standing text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    verified_at timestamp with time zone
);
CREATE SEQUENCE public.known_row_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.known_row_seq OWNED BY public.known."row";
CREATE TABLE public.learned (
    instance text NOT NULL,
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.lookup (
    instance text NOT NULL,
    kind text NOT NULL,
    locale text NOT NULL,
    entries text NOT NULL,
    fetched_at timestamp with time zone NOT NULL
);
CREATE TABLE public.meta (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.nameless (
    sync text NOT NULL,
    digest bytea NOT NULL,
    since timestamp with time zone NOT NULL
);
CREATE TABLE public.quarantine (
    sync text NOT NULL,
    foreign_id text NOT NULL,
    content bytea NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    status integer,
    tries integer NOT NULL,
    since timestamp with time zone NOT NULL,
    next_try_at timestamp with time zone NOT NULL
);
CREATE TABLE public.replica (
    name text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    agenda text NOT NULL,
    running text NOT NULL
);
CREATE TABLE public.request (
    id text NOT NULL,
    sync text NOT NULL,
    by text NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    replica text,
    run text,
    status text,
    finished_at timestamp with time zone
);
CREATE TABLE public.run (
    id text NOT NULL,
    sync text NOT NULL,
    instance text NOT NULL,
    trigger text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    status text,
    counts text NOT NULL,
    error text,
    remedy text
);
CREATE TABLE public.sync (
    name text NOT NULL,
    instance text NOT NULL,
    address bytea NOT NULL,
    fence integer NOT NULL,
    reads integer NOT NULL,
    last_complete_at timestamp with time zone
);
CREATE TABLE public.tombstone (
    sync text NOT NULL,
    name bytea NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL
);
CREATE TABLE public.watermark (
    sync text NOT NULL,
    cursor text NOT NULL,
    context bytea NOT NULL,
    full_at timestamp with time zone NOT NULL
);
ALTER TABLE ONLY public.invalid ALTER COLUMN id SET DEFAULT nextval('public.invalid_id_seq'::regclass);
ALTER TABLE ONLY public.journal ALTER COLUMN id SET DEFAULT nextval('public.journal_id_seq'::regclass);
ALTER TABLE ONLY public.known ALTER COLUMN "row" SET DEFAULT nextval('public.known_row_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.condition VALUES ('donors', 'held', '2026-03-01 08:00:00.142+00', 1, 'told', 'A guard holds changes', NULL);
INSERT INTO public.held VALUES ('donors', '20260301T090000-abcdef', '[["delete", "1 of 4 known customers would be deleted at once"]]', '{"delete": 1}', '2026-03-01 08:00:00.142+00', '2026-03-01 08:00:00.142+00', 'a person', '2026-03-02 08:00:00.142+00');
INSERT INTO public.held_change VALUES ('donors', 'D-1', 'delete', '\x63636363636363636363636363636363');
INSERT INTO public.invalid VALUES (5, 'members', '20260301T080000-8755b9', NULL, 'shelf line 3', '[["foreign_id", "was erased on request and is not sent again: take the record out of the source"]]');
INSERT INTO public.invalid VALUES (6, 'members', '20260301T080000-8755b9', 'M-0013', 'shelf line 13', '[["email", "is not an e-mail address"]]');
INSERT INTO public.invalid VALUES (7, 'members', '20260301T080000-8755b9', NULL, 'shelf line 15', '[["foreign_id", "''id'' is empty"]]');
INSERT INTO public.journal VALUES (1, '20260301T080000-c31277', 'members', 'M-0001', 1013, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (3, '20260301T080000-c31277', 'members', 'M-0003', 1015, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (4, '20260301T080000-c31277', 'members', 'M-0004', 1016, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (5, '20260301T080000-c31277', 'members', 'M-0005', 1017, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (6, '20260301T080000-c31277', 'members', 'M-0006', 1018, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (7, '20260301T080000-c31277', 'members', 'M-0007', 1019, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (8, '20260301T080000-c31277', 'members', 'M-0008', 1025, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (9, '20260301T080000-c31277', 'members', 'M-0009', 1026, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (10, '20260301T080000-c31277', 'members', 'M-0010', 1027, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (11, '20260301T080000-c31277', 'members', 'M-0011', 1030, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (12, '20260301T080000-c31277', 'members', 'M-0012', 1031, 'create', 'name,surname,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'ok', 201, 1, NULL);
INSERT INTO public.journal VALUES (13, '20260301T080000-c31277', 'members', 'M-0014', NULL, 'create', 'name,email,tel,notes,date_of_birth', '2026-03-01 08:00:00.03+00', '2026-03-01 08:00:00.092+00', 'failed', 422, 1, 'Surname can''t be blank');
INSERT INTO public.journal VALUES (14, '20260301T080000-8b85d1', 'members', 'M-0001', 1013, 'update', 'tel', '2026-03-01 08:00:00.11+00', '2026-03-01 08:00:00.114+00', 'ok', 200, 1, NULL);
INSERT INTO public.journal VALUES (17, '20260301T090000-abcdef', 'donors', 'D-5', NULL, 'create', 'name,email', '2026-03-01 08:00:00.142+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.journal VALUES (18, '20260301T090000-abcdef', 'donors', 'D-1', 2001, 'update', 'tel', '2026-03-01 08:00:00.142+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.journal VALUES (19, '20260301T090000-abcdef', 'donors', 'D-6', NULL, 'create', 'name', '2026-03-01 08:00:00.142+00', '2026-03-01 08:00:00.142+00', 'failed', 422, 1, 'Email is invalid');
INSERT INTO public.known VALUES (4, 'members', 'M-0004', 1016, '\x28fe7f0798d264f8a52337d9ed28b0f8', '\x667f915ac1ed4b7e0c029666dfdef64c', '\x01793523a6481b47ec026c45e8145178f5bf039ff04e90a4089a01040a21902e0e810e300bce861b265496ad460d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.096+00', NULL);
INSERT INTO public.known VALUES (5, 'members', 'M-0005', 1017, '\x08886282520278c11413c6953919e416', '\xfb29245b43130f2670c3f933c43b390f', '\x01e673051d47de8fef02b605d4ebc219c24003c9ad8dab7f5886d1049879b24331ac99460b8d5528296e1286270d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.097+00', NULL);
INSERT INTO public.known VALUES (6, 'members', 'M-0006', 1018, '\xe325ea3a8b5d80f508cf7c61052e892b', '\xd393b1fe56097dc5becbd241465e7be7', '\x019a4563dbd17f35250278243db55b08b88e033273310ce6d94d04040eeae37eeb31bb6b0b265b9c61573ed6020d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.098+00', NULL);
INSERT INTO public.known VALUES (7, 'members', 'M-0007', 1019, '\xcdbc7b688f955009988fac5ac829a5ec', '\x16b1f5ba758cbbdb4da4bbf882ff2e08', '\x019f6744a9151dd9f50269df99813eec02a8030bdd1cd4026f057604ad19166bb0d62ca30be3b421b8f95a02530d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.099+00', NULL);
INSERT INTO public.known VALUES (8, 'members', 'M-0008', 1025, '\x16d638474280ffdd8d10f847b955c393', '\x9b25e5a3b2a5670b18659bb48a41831c', '\x0169e9afff68bfcdde02a09c04b8107434c103450fc243ed8fe94904547d7c94d51b3e1f0b016a47929cfa80550d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.1+00', NULL);
INSERT INTO public.known VALUES (9, 'members', 'M-0009', 1026, '\x38575c7cb27890802b8ffbe7f1983066', '\x2228dd2ea8c17bd22b6d6d39a46fdfcd', '\x017b0b744f3250d9b602c611f67aa215cc91030e08913670bb213904823e0f6cd52e6a6e0b49b95ff60f4ec9070d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.101+00', NULL);
INSERT INTO public.known VALUES (10, 'members', 'M-0010', 1027, '\xdcb09f208170bfdc7f9690f0243000d2', '\x16fc65a984f35ceced5d53f1af13d809', '\x01522ff1b19d9eeecf02ca3da8b2dc1d3ff6033a6754a1861b684d040bfbecb2bf20ab900b73d442b2f8137d830d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.102+00', NULL);
INSERT INTO public.known VALUES (11, 'members', 'M-0011', 1030, '\x78c99ce32b76cde9eab9d4fe1d4789a4', '\x1b8b16ab62a551d9fa9ae0b8b0ddee06', '\x010be1e84ac8ac3c570256a4beb31a3df22d035927158df36ff6cc0495b447de4bd0562b0b47e650371379d8070d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.103+00', NULL);
INSERT INTO public.known VALUES (12, 'members', 'M-0012', 1031, '\x7f919f9b03afa03a5d11b77ada60cdd6', '\xbe67fb807369874ff4ca53619841ddb1', '\x01ae31c100f44117ba02c232e21c78dfe2a0030f66e533cba3d686046fd82bacd8920bc60bc338f29e1bbdfd580d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.104+00', NULL);
INSERT INTO public.known VALUES (1, 'members', 'M-0001', 1013, '\xd5919b90bba5ded34ceab7cd06db041b', '\xece4afe53116f2a1041807e1241dfdad', '\x013ccb204bcec542ec02e96581e579bb465e0366d40b2240bc0f4e04424904a56868a60b0bca30009a96cc2b9a0d39c6d24b387d42fb', NULL, false, 'active', '2026-03-01 08:00:00.115+00', NULL);
INSERT INTO public.known VALUES (3, 'members', 'M-0003', 1015, '\x57c069a6cdad3f5fb1bec61c7feec0c2', '\xd352ab45294ef4bf1b11fbecf50075c5', '\x01abf12103304f187502b227b1a28af16df903a12c0ba58846a41304f5394f8ccbd61e8d0be6f167716e09af8f0d39c6d24b387d42fb', '2026-03-01 08:00:00.139+00', false, 'active', '2026-03-01 08:00:00.095+00', NULL);
INSERT INTO public.known VALUES (15, 'donors', 'D-1', 2001, '\x72727272727272727272727272727272', '\x73737373737373737373737373737373', '\x013132333435363738', NULL, false, 'active', '2026-03-01 08:00:00.142+00', NULL);
INSERT INTO public.known VALUES (17, 'donors', 'D-3', 2003, NULL, NULL, '\x', NULL, false, 'erasing', '2026-03-01 08:00:00.142+00', NULL);
INSERT INTO public.known VALUES (18, 'donors', 'D-4', 2004, '\x72727272727272727272727272727272', '\x73737373737373737373737373737373', '\x013132333435363738', NULL, false, 'anonymized', '2026-03-01 08:00:00.142+00', NULL);
INSERT INTO public.known VALUES (16, 'donors', 'D-2', 2002, '\x72727272727272727272727272727272', '\x73737373737373737373737373737373', '\x013132333435363738', '2026-03-01 08:00:00.142+00', true, 'active', '2026-03-01 08:00:00.142+00', NULL);
INSERT INTO public.learned VALUES ('main', 'batch_size', '50');
INSERT INTO public.lookup VALUES ('main', 'salutation', 'de', '[[1, ["Herr", "Mr"]]]', '2026-03-01 08:00:00.142+00');
INSERT INTO public.meta VALUES ('tidied members', '2026-03-01');
INSERT INTO public.nameless VALUES ('members', '\x629b137bf9b80702fcbbab1052632551', '2026-03-01 08:00:00.002+00');
INSERT INTO public.quarantine VALUES ('members', 'M-0014', '\x6c97f27f0281250a6c80ffb9350504aa', 'create', 'Surname can''t be blank', 422, 1, '2026-03-01 08:00:00.105+00', '2026-03-01 09:00:00.105+00');
INSERT INTO public.quarantine VALUES ('donors', 'D-6', '\x71717171717171717171717171717171', 'create', 'Email is invalid', 422, 2, '2026-03-01 08:00:00.142+00', '2026-03-01 14:00:00.142+00');
INSERT INTO public.replica VALUES ('host-1-ab', 'host', 1, '0.1', '2026-03-01 08:00:00.142+00', '2026-03-01 08:00:00.142+00', '{"donors": "2026-03-01T08:00:00.142000+00:00"}', '["donors"]');
INSERT INTO public.request VALUES ('f4509c6f071b', 'donors', 'a person', '2026-03-01 08:00:00.142+00', '2026-03-01 08:10:00.142+00', 'host-1-ab', '20260301T090000-abcdef', NULL, NULL);
INSERT INTO public.request VALUES ('244b930ac83d', 'members', 'a person', '2026-03-01 08:00:00.142+00', '2036-02-27 08:00:00.142+00', NULL, NULL, NULL, NULL);
INSERT INTO public.run VALUES ('20260301T080000-c31277', 'members', 'main', 'test', '2026-03-01 08:00:00.002+00', '2026-03-01 08:00:00.106+00', 'done with problems', '{"invalid": 2, "records": 15, "create": 12, "failed": 1}', NULL, NULL);
INSERT INTO public.run VALUES ('20260301T080000-8b85d1', 'members', 'main', 'test', '2026-03-01 08:00:00.108+00', '2026-03-01 08:00:00.116+00', 'done with problems', '{"invalid": 2, "quarantined": 1, "records": 15, "unchanged": 11, "update": 1}', NULL, NULL);
INSERT INTO public.run VALUES ('20260301T080000-d1f328', 'members', 'main', 'erase', '2026-03-01 08:00:00.118+00', '2026-03-01 08:00:00.137+00', 'done', '{"anonymize": 1, "delete": 1}', NULL, NULL);
INSERT INTO public.run VALUES ('20260301T080000-8755b9', 'members', 'main', 'test', '2026-03-01 08:00:00.139+00', '2026-03-01 08:00:00.141+00', 'done with problems', '{"absent": 1, "invalid": 3, "quarantined": 1, "records": 14, "unchanged": 10}', NULL, NULL);
INSERT INTO public.run VALUES ('20260301T090000-abcdef', 'donors', 'main', 'schedule', '2026-03-01 08:00:00.142+00', '2026-03-01 08:00:00.142+00', 'held', '{"records": 4, "update": 1}', NULL, NULL);
INSERT INTO public.sync VALUES ('members', 'main', '\x5bb5e9bd064afaf2e20e21e74d3fdbce', 4, 3, '2026-03-01 08:00:00.139+00');
INSERT INTO public.sync VALUES ('donors', 'main', '\x61646472657373', 1, 1, '2026-03-01 08:00:00.142+00');
INSERT INTO public.tombstone VALUES ('members', '\x71f830819fb87b7909ec8176c3fa2e0f', 'request', '2026-03-01 08:00:00.136+00');
INSERT INTO public.tombstone VALUES ('donors', '\x6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6e', 'absence', '2026-03-01 08:00:00.142+00');
INSERT INTO public.watermark VALUES ('donors', '{"changed": 5}', '\x63636363636363636363636363636363', '2026-03-01 08:00:00.142+00');
SELECT pg_catalog.setval('public.invalid_id_seq', 7, true);
SELECT pg_catalog.setval('public.journal_id_seq', 19, true);
SELECT pg_catalog.setval('public.known_row_seq', 18, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.condition
    ADD CONSTRAINT pk_condition PRIMARY KEY (sync, kind);
ALTER TABLE ONLY public.held
    ADD CONSTRAINT pk_held PRIMARY KEY (sync);
ALTER TABLE ONLY public.held_change
    ADD CONSTRAINT pk_held_change PRIMARY KEY (sync, foreign_id);
ALTER TABLE ONLY public.invalid
    ADD CONSTRAINT pk_invalid PRIMARY KEY (id);
ALTER TABLE ONLY public.journal
    ADD CONSTRAINT pk_journal PRIMARY KEY (id);
ALTER TABLE ONLY public.known
    ADD CONSTRAINT pk_known PRIMARY KEY ("row");
ALTER TABLE ONLY public.learned
    ADD CONSTRAINT pk_learned PRIMARY KEY (instance, name);
ALTER TABLE ONLY public.lookup
    ADD CONSTRAINT pk_lookup PRIMARY KEY (instance, kind, locale);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT pk_meta PRIMARY KEY (name);
ALTER TABLE ONLY public.nameless
    ADD CONSTRAINT pk_nameless PRIMARY KEY (sync, digest);
ALTER TABLE ONLY public.quarantine
    ADD CONSTRAINT pk_quarantine PRIMARY KEY (sync, foreign_id);
ALTER TABLE ONLY public.replica
    ADD CONSTRAINT pk_replica PRIMARY KEY (name);
ALTER TABLE ONLY public.request
    ADD CONSTRAINT pk_request PRIMARY KEY (id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT pk_run PRIMARY KEY (id);
ALTER TABLE ONLY public.sync
    ADD CONSTRAINT pk_sync PRIMARY KEY (name);
ALTER TABLE ONLY public.tombstone
    ADD CONSTRAINT pk_tombstone PRIMARY KEY (sync, name);
ALTER TABLE ONLY public.watermark
    ADD CONSTRAINT pk_watermark PRIMARY KEY (sync);
ALTER TABLE ONLY public.known
    ADD CONSTRAINT uq_known_sync_foreign_id UNIQUE (sync, foreign_id);
CREATE INDEX ix_invalid_sync_foreign_id ON public.invalid USING btree (sync, foreign_id);
CREATE INDEX ix_journal_open ON public.journal USING btree (sync) WHERE (settled_at IS NULL);
CREATE INDEX ix_journal_sync_foreign_id ON public.journal USING btree (sync, foreign_id);
CREATE INDEX ix_known_sync_verified_at ON public.known USING btree (sync, verified_at);
CREATE INDEX ix_known_told_gone ON public.known USING btree (sync) WHERE told_gone;
CREATE INDEX ix_run_sync_started_at ON public.run USING btree (sync, started_at);
