PRAGMA application_id = 1836674915;
BEGIN TRANSACTION;
CREATE TABLE checkpoint (mode INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    complete INTEGER NOT NULL, time INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (mode, "offset")) WITHOUT ROWID;
INSERT INTO "checkpoint" VALUES(1,2,1,1000);
CREATE TABLE gone (mode INTEGER NOT NULL, block INTEGER NOT NULL, messages INTEGER NOT NULL,
    PRIMARY KEY (mode, block)) WITHOUT ROWID;
CREATE TABLE log_1 ("offset" INTEGER PRIMARY KEY, time INTEGER NOT NULL, name INTEGER NOT NULL,
    value TEXT NOT NULL, producer INTEGER NOT NULL, cause INTEGER, rule INTEGER, ts INTEGER,
    changes TEXT, released INTEGER, positions TEXT);
INSERT INTO "log_1" VALUES(1,1000,1,'null',1,NULL,NULL,999,'[2,"on",3,21.50]',NULL,NULL);
INSERT INTO "log_1" VALUES(2,1000,2,'"on"',2,1,7,NULL,NULL,NULL,'[["porch",5,1,1000]]');
INSERT INTO "log_1" VALUES(3,2000,1,'null',1,NULL,NULL,NULL,'[2,"off",-3,null]',NULL,NULL);
INSERT INTO "log_1" VALUES(4,2000,2,'"off"',2,3,8,NULL,NULL,4,'[["porch",5,2,2000]]');
CREATE TABLE log_2 ("offset" INTEGER PRIMARY KEY, time INTEGER NOT NULL, name INTEGER NOT NULL,
    value TEXT NOT NULL, producer INTEGER NOT NULL, cause INTEGER, rule INTEGER, ts INTEGER,
    changes TEXT, released INTEGER, positions TEXT);
INSERT INTO "log_2" VALUES(1,3000,2,'"dim"',2,NULL,NULL,NULL,'[2,"dim"]',NULL,NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('identity','0000000000000000');
INSERT INTO "meta" VALUES('incarnation',1);
INSERT INTO "meta" VALUES('schema',3);
CREATE TABLE mode (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    released INTEGER NOT NULL DEFAULT 0, trimmed INTEGER NOT NULL DEFAULT 0);
INSERT INTO "mode" VALUES(1,'live',0,0);
INSERT INTO "mode" VALUES(2,'test',0,0);
CREATE TABLE name (id INTEGER PRIMARY KEY, module TEXT NOT NULL, variable TEXT NOT NULL,
    instance TEXT NOT NULL, UNIQUE (module, instance, variable));
INSERT INTO "name" VALUES(1,'button1','press','');
INSERT INTO "name" VALUES(2,'lamp1','state','');
INSERT INTO "name" VALUES(3,'lamp1','level','kitchen');
CREATE TABLE past_1 (until INTEGER NOT NULL, name INTEGER NOT NULL, at INTEGER NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (until, name)) WITHOUT ROWID;
CREATE TABLE past_2 (until INTEGER NOT NULL, name INTEGER NOT NULL, at INTEGER NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (until, name)) WITHOUT ROWID;
CREATE TABLE position (mode INTEGER NOT NULL, board TEXT NOT NULL, boot INTEGER NOT NULL,
    last INTEGER, seen INTEGER NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (mode, board, boot)) WITHOUT ROWID;
INSERT INTO "position" VALUES(1,'porch',5,1,1000,2);
CREATE TABLE producer (id INTEGER PRIMARY KEY, producer TEXT NOT NULL UNIQUE);
INSERT INTO "producer" VALUES(1,'porch');
INSERT INTO "producer" VALUES(2,'lamp1');
CREATE TABLE program (key TEXT PRIMARY KEY, compiled TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "program" VALUES('key','compiled');
CREATE TABLE start (mode INTEGER NOT NULL, incarnation INTEGER NOT NULL,
    first INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (mode, incarnation)) WITHOUT ROWID;
INSERT INTO "start" VALUES(1,1,1,'an earlier version');
INSERT INTO "start" VALUES(2,1,1,'');
CREATE TABLE state_1 (name INTEGER NOT NULL, at INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (name, at)) WITHOUT ROWID;
INSERT INTO "state_1" VALUES(2,2,'"on"');
INSERT INTO "state_1" VALUES(3,2,'21.50');
CREATE TABLE state_2 (name INTEGER NOT NULL, at INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (name, at)) WITHOUT ROWID;
CREATE INDEX state_1_forgotten ON state_1 (at) WHERE value IS NULL;
CREATE INDEX state_1_due ON state_1 (value) WHERE value GLOB
    '[1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]';
CREATE INDEX state_2_forgotten ON state_2 (at) WHERE value IS NULL;
CREATE INDEX state_2_due ON state_2 (value) WHERE value GLOB
    '[1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]';
CREATE VIEW messages AS 
SELECT l."offset", strftime('%Y-%m-%d %H:%M:%f', l.time / 1000.0, 'unixepoch') AS time,
    'live' AS mode, n.module, n.instance, n.variable, l.value, p.producer, l.cause, l.rule, l.ts
FROM log_1 AS l JOIN name AS n ON n.id = l.name JOIN producer AS p ON p.id = l.producer
 UNION ALL 
SELECT l."offset", strftime('%Y-%m-%d %H:%M:%f', l.time / 1000.0, 'unixepoch') AS time,
    'test' AS mode, n.module, n.instance, n.variable, l.value, p.producer, l.cause, l.rule, l.ts
FROM log_2 AS l JOIN name AS n ON n.id = l.name JOIN producer AS p ON p.id = l.producer;
COMMIT;
