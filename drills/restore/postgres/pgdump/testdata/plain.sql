--
-- PostgreSQL database dump
--

\restrict x

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: extra; Type: SCHEMA; Schema: -; Owner: shop_owner
--

CREATE SCHEMA extra;


ALTER SCHEMA extra OWNER TO shop_owner;

--
-- Name: btree_gist; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;


--
-- Name: EXTENSION btree_gist; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';


--
-- Name: pgcrypto; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;


--
-- Name: EXTENSION pgcrypto; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';


--
-- Name: money_ok; Type: DOMAIN; Schema: extra; Owner: shop_owner
--

CREATE DOMAIN extra.money_ok AS numeric
	CONSTRAINT money_ok_check CHECK ((VALUE >= (0)::numeric));


ALTER DOMAIN extra.money_ok OWNER TO shop_owner;

--
-- Name: status; Type: TYPE; Schema: extra; Owner: shop_owner
--

CREATE TYPE extra.status AS ENUM (
    'new',
    'paid',
    'sent'
);


ALTER TYPE extra.status OWNER TO shop_owner;

--
-- Name: bump(); Type: FUNCTION; Schema: public; Owner: shop_owner
--

CREATE FUNCTION public.bump() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ begin new.note := coalesce(new.note,'') ; return new; end $$;


ALTER FUNCTION public.bump() OWNER TO shop_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: orders; Type: TABLE; Schema: public; Owner: shop_owner
--

CREATE TABLE public.orders (
    id bigint NOT NULL,
    customer bigint,
    status extra.status DEFAULT 'new'::extra.status,
    total extra.money_ok,
    note text,
    at timestamp with time zone DEFAULT now()
);


ALTER TABLE public.orders OWNER TO shop_owner;

--
-- Name: TABLE orders; Type: COMMENT; Schema: public; Owner: shop_owner
--

COMMENT ON TABLE public.orders IS 'semi;colon ''quote'' $$ \n
COPY public.orders FROM stdin;';


--
-- Name: total_of(bigint); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.total_of(c bigint) RETURNS numeric
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT sum((orders.total)::numeric) AS sum
    FROM public.orders
   WHERE (orders.customer = total_of.c);
END;


ALTER FUNCTION public.total_of(c bigint) OWNER TO postgres;

--
-- Name: customers; Type: TABLE; Schema: public; Owner: shop_owner
--

CREATE TABLE public.customers (
    id bigint NOT NULL,
    name text NOT NULL,
    email text,
    CONSTRAINT customers_email_check CHECK ((email ~~ '%@%'::text))
);


ALTER TABLE public.customers OWNER TO shop_owner;

--
-- Name: customers_id_seq; Type: SEQUENCE; Schema: public; Owner: shop_owner
--

ALTER TABLE public.customers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.customers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: open_orders; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.open_orders AS
 SELECT orders.id,
    orders.customer,
    orders.status,
    orders.total,
    orders.note,
    orders.at
   FROM public.orders
  WHERE (orders.status = 'new'::extra.status);


ALTER TABLE public.open_orders OWNER TO postgres;

--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: public; Owner: shop_owner
--

CREATE SEQUENCE public.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.orders_id_seq OWNER TO shop_owner;

--
-- Name: orders_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: shop_owner
--

ALTER SEQUENCE public.orders_id_seq OWNED BY public.orders.id;


--
-- Name: parts; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.parts (
    k integer,
    v text
)
PARTITION BY RANGE (k);


ALTER TABLE public.parts OWNER TO postgres;

--
-- Name: parts_1; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.parts_1 (
    k integer,
    v text
);


ALTER TABLE public.parts_1 OWNER TO postgres;

--
-- Name: totals; Type: MATERIALIZED VIEW; Schema: public; Owner: postgres
--

CREATE MATERIALIZED VIEW public.totals AS
 SELECT orders.customer,
    sum((orders.total)::numeric) AS s
   FROM public.orders
  GROUP BY orders.customer
  WITH NO DATA;


ALTER TABLE public.totals OWNER TO postgres;

--
-- Name: parts_1; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.parts ATTACH PARTITION public.parts_1 FOR VALUES FROM (0) TO (100);


--
-- Name: orders id; Type: DEFAULT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.orders ALTER COLUMN id SET DEFAULT nextval('public.orders_id_seq'::regclass);


--
-- Name: 70001; Type: BLOB; Schema: -; Owner: postgres
--

SELECT pg_catalog.lo_create('70001');


ALTER LARGE OBJECT 70001 OWNER TO postgres;

--
-- Data for Name: customers; Type: TABLE DATA; Schema: public; Owner: shop_owner
--

COPY public.customers (id, name, email) FROM stdin;
1	name "1"	1@example.com
2	name "2"	2@example.com
3	name "3"	3@example.com
4	name "4"	4@example.com
5	name "5"	5@example.com
6	name "6"	6@example.com
7	name "7"	7@example.com
8	name "8"	8@example.com
9	name "9"	9@example.com
10	name "10"	10@example.com
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: public; Owner: shop_owner
--

COPY public.orders (id, customer, status, total, note, at) FROM stdin;
1	2	new	1	note 1\t\\ \n tab	2026-11-21 14:54:07.648004+00
2	3	new	2	note 2\t\\ \n tab	2026-11-21 14:54:07.648004+00
3	4	new	3	note 3\t\\ \n tab	2026-11-21 14:54:07.648004+00
4	5	new	4	note 4\t\\ \n tab	2026-11-21 14:54:07.648004+00
5	6	new	5	note 5\t\\ \n tab	2026-11-21 14:54:07.648004+00
6	7	new	6	note 6\t\\ \n tab	2026-11-21 14:54:07.648004+00
7	8	new	7	note 7\t\\ \n tab	2026-11-21 14:54:07.648004+00
8	9	new	8	note 8\t\\ \n tab	2026-11-21 14:54:07.648004+00
9	10	new	9	note 9\t\\ \n tab	2026-11-21 14:54:07.648004+00
10	1	new	10	note 10\t\\ \n tab	2026-11-21 14:54:07.648004+00
11	2	new	11	note 11\t\\ \n tab	2026-11-21 14:54:07.648004+00
12	3	new	12	note 12\t\\ \n tab	2026-11-21 14:54:07.648004+00
13	4	new	13	note 13\t\\ \n tab	2026-11-21 14:54:07.648004+00
14	5	new	14	note 14\t\\ \n tab	2026-11-21 14:54:07.648004+00
15	6	new	15	note 15\t\\ \n tab	2026-11-21 14:54:07.648004+00
16	7	new	16	note 16\t\\ \n tab	2026-11-21 14:54:07.648004+00
17	8	new	17	note 17\t\\ \n tab	2026-11-21 14:54:07.648004+00
18	9	new	18	note 18\t\\ \n tab	2026-11-21 14:54:07.648004+00
19	10	new	19	note 19\t\\ \n tab	2026-11-21 14:54:07.648004+00
20	1	new	20	note 20\t\\ \n tab	2026-11-21 14:54:07.648004+00
\.


--
-- Data for Name: parts_1; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.parts_1 (k, v) FROM stdin;
0	p
1	p
2	p
3	p
4	p
5	p
6	p
7	p
8	p
9	p
10	p
11	p
12	p
13	p
14	p
15	p
16	p
17	p
18	p
19	p
20	p
21	p
22	p
23	p
24	p
25	p
26	p
27	p
28	p
29	p
30	p
31	p
32	p
33	p
34	p
35	p
36	p
37	p
38	p
39	p
40	p
41	p
42	p
43	p
44	p
45	p
46	p
47	p
48	p
49	p
50	p
51	p
52	p
53	p
54	p
55	p
56	p
57	p
58	p
59	p
60	p
61	p
62	p
63	p
64	p
65	p
66	p
67	p
68	p
69	p
70	p
71	p
72	p
73	p
74	p
75	p
76	p
77	p
78	p
79	p
80	p
81	p
82	p
83	p
84	p
85	p
86	p
87	p
88	p
89	p
90	p
91	p
92	p
93	p
94	p
95	p
96	p
97	p
98	p
99	p
\.


--
-- Name: customers_id_seq; Type: SEQUENCE SET; Schema: public; Owner: shop_owner
--

SELECT pg_catalog.setval('public.customers_id_seq', 10, true);


--
-- Name: orders_id_seq; Type: SEQUENCE SET; Schema: public; Owner: shop_owner
--

SELECT pg_catalog.setval('public.orders_id_seq', 20, true);


--
-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: -
--

BEGIN;

SELECT pg_catalog.lo_open('70001', 131072);
SELECT pg_catalog.lowrite(0, '\x6c61726765206f626a656374');
SELECT pg_catalog.lo_close(0);

COMMIT;

--
-- Name: customers customers_email_key; Type: CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_email_key UNIQUE (email);


--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: orders_at; Type: INDEX; Schema: public; Owner: shop_owner
--

CREATE INDEX orders_at ON public.orders USING btree (at);


--
-- Name: st; Type: STATISTICS; Schema: public; Owner: postgres
--

CREATE STATISTICS public.st ON customer, status FROM public.orders;


ALTER STATISTICS public.st OWNER TO postgres;

--
-- Name: customers r; Type: RULE; Schema: public; Owner: shop_owner
--

CREATE RULE r AS
    ON DELETE TO public.customers DO INSTEAD NOTHING;


--
-- Name: orders bump; Type: TRIGGER; Schema: public; Owner: shop_owner
--

CREATE TRIGGER bump BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.bump();


--
-- Name: orders orders_customer_fkey; Type: FK CONSTRAINT; Schema: public; Owner: shop_owner
--

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES public.customers(id);


--
-- Name: orders mine; Type: POLICY; Schema: public; Owner: shop_owner
--

CREATE POLICY mine ON public.orders FOR SELECT TO shop_app, "odd Role" USING ((customer = 1));


--
-- Name: orders; Type: ROW SECURITY; Schema: public; Owner: shop_owner
--

ALTER TABLE public.orders ENABLE ROW LEVEL SECURITY;

--
-- Name: pub; Type: PUBLICATION; Schema: -; Owner: postgres
--

CREATE PUBLICATION pub WITH (publish = 'insert, update, delete, truncate');


ALTER PUBLICATION pub OWNER TO postgres;

--
-- Name: pub orders; Type: PUBLICATION TABLE; Schema: public; Owner: postgres
--

ALTER PUBLICATION pub ADD TABLE ONLY public.orders;


--
-- Name: TABLE orders; Type: ACL; Schema: public; Owner: shop_owner
--

GRANT SELECT ON TABLE public.orders TO reporting WITH GRANT OPTION;
GRANT INSERT ON TABLE public.orders TO shop_app;


--
-- Name: COLUMN orders.note; Type: ACL; Schema: public; Owner: shop_owner
--

GRANT UPDATE(note) ON TABLE public.orders TO shop_app;


--
-- Name: DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: public; Owner: shop_owner
--

ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA public GRANT SELECT ON TABLES  TO reporting;


--
-- Name: totals; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: postgres
--

REFRESH MATERIALIZED VIEW public.totals;


--
-- PostgreSQL database dump complete
--

\unrestrict x

