CREATE TABLE calls (
	call_id TEXT NOT NULL, 
	run_id TEXT, 
	started_at BIGINT NOT NULL, 
	duration BIGINT NOT NULL, 
	provider_name TEXT NOT NULL, 
	request_model TEXT NOT NULL, 
	response_model TEXT, 
	operation_name TEXT NOT NULL, 
	purpose TEXT, 
	agent_name TEXT, 
	task_name TEXT, 
	workflow_name TEXT, 
	input_tokens BIGINT, 
	output_tokens BIGINT, 
	cache_read_input_tokens BIGINT, 
	cache_creation_input_tokens BIGINT, 
	cache_creation_5m_input_tokens BIGINT, 
	cache_creation_1h_input_tokens BIGINT, 
	reasoning_output_tokens BIGINT, 
	input_audio_tokens BIGINT, 
	output_audio_tokens BIGINT, 
	web_search_requests BIGINT, 
	usage_state TEXT NOT NULL, 
	cost_nano_usd BIGINT, 
	cost_state TEXT NOT NULL, 
	receipt TEXT, 
	status TEXT NOT NULL, 
	error_type TEXT, 
	response_id TEXT, 
	service_tier TEXT, 
	sources TEXT NOT NULL, 
	notes TEXT, 
	stated_nano_usd BIGINT, 
	raw_usage TEXT, 
	billed INTEGER NOT NULL, 
	PRIMARY KEY (call_id)
);
INSERT INTO "calls" VALUES('call-0-0','run-0',1769816400000000,1500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',1426,164,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',52750,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,777,'{"prompt_tokens": 1426, "completion_tokens": 164}',1);
INSERT INTO "calls" VALUES('call-0-1','run-0',1769816580000001,2500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','chat','Analyst','market','crew',2766,59,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',10494,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,'{"prompt_tokens": 2766, "completion_tokens": 59}',1);
INSERT INTO "calls" VALUES('call-0-2','run-0',1769816760000002,3500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',3463,558,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',NULL,'unpriced',NULL,'ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-0-3','run-0',1769816940000003,4500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Analyst','market','crew',485,384,NULL,NULL,NULL,NULL,192,NULL,NULL,NULL,'reported',77387,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-0-4','run-0',1769817120000004,5500000,'anthropic','claude-sonnet-4-5',NULL,'chat','chat','Writer','market','crew',337,529,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',29140,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-0-5','run-0',1769817300000005,6500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat',NULL,'market','crew',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'unknown',0,'known',NULL,'error','HTTP 429',NULL,NULL,'http,event',NULL,NULL,NULL,0);
INSERT INTO "calls" VALUES('call-0-6','run-0',1769817480000006,7500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',1876,438,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',10156,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event','["a note"]',NULL,NULL,1);
INSERT INTO "calls" VALUES('call-0-7','run-0',1769817660000007,8500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','planning','Analyst','market','crew',1085,102,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',73226,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-1-0','run-1',1780184400000000,1500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',1838,70,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',75115,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,777,'{"prompt_tokens": 1838, "completion_tokens": 70}',1);
INSERT INTO "calls" VALUES('call-1-1','run-1',1780184580000001,2500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','chat','Analyst','market','crew',607,238,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',83657,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,'{"prompt_tokens": 607, "completion_tokens": 238}',1);
INSERT INTO "calls" VALUES('call-1-2','run-1',1780184760000002,3500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',2669,606,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',NULL,'unpriced',NULL,'ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-1-3','run-1',1780184940000003,4500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Analyst','market','crew',3981,73,NULL,NULL,NULL,NULL,36,NULL,NULL,NULL,'reported',76642,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-1-4','run-1',1780185120000004,5500000,'anthropic','claude-sonnet-4-5',NULL,'chat','chat','Writer','market','crew',2498,416,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',7499,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-1-5','run-1',1780185300000005,6500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat',NULL,'market','crew',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'unknown',0,'known',NULL,'error','HTTP 429',NULL,NULL,'http,event',NULL,NULL,NULL,0);
INSERT INTO "calls" VALUES('call-1-6','run-1',1780185480000006,7500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',2380,889,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',18455,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event','["a note"]',NULL,NULL,1);
INSERT INTO "calls" VALUES('call-1-7','run-1',1780185660000007,8500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','planning','Analyst','market','crew',1286,439,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',19907,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-2-0','run-2',1790811600000000,1500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',2314,130,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',75830,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,777,'{"prompt_tokens": 2314, "completion_tokens": 130}',1);
INSERT INTO "calls" VALUES('call-2-1','run-2',1790811780000001,2500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','chat','Analyst','market','crew',1363,583,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',24688,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,'{"prompt_tokens": 1363, "completion_tokens": 583}',1);
INSERT INTO "calls" VALUES('call-2-2','run-2',1790811960000002,3500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',522,605,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',NULL,'unpriced',NULL,'ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-2-3','run-2',1790812140000003,4500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Analyst','market','crew',2439,664,NULL,NULL,NULL,NULL,332,NULL,NULL,NULL,'reported',25624,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-2-4','run-2',1790812320000004,5500000,'anthropic','claude-sonnet-4-5',NULL,'chat','chat','Writer','market','crew',1625,109,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',72793,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
INSERT INTO "calls" VALUES('call-2-5','run-2',1790812500000005,6500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat',NULL,'market','crew',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'unknown',0,'known',NULL,'error','HTTP 429',NULL,NULL,'http,event',NULL,NULL,NULL,0);
INSERT INTO "calls" VALUES('call-2-6','run-2',1790812680000006,7500000,'openai','gpt-4o-mini','gpt-4o-mini-2024-07-18','chat','chat','Writer','market','crew',2411,71,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',82134,'known','{"provider": "openai", "model": "gpt-4o-mini", "source": "genai-prices", "rates": {"input_tokens": "0.15", "output_tokens": "0.6"}, "note": null, "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event','["a note"]',NULL,NULL,1);
INSERT INTO "calls" VALUES('call-2-7','run-2',1790812860000007,8500000,'anthropic','claude-sonnet-4-5','claude-sonnet-4-5','chat','planning','Analyst','market','crew',943,518,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'reported',70693,'known','{"provider": "anthropic", "model": "claude-sonnet-4-5", "source": "prices.toml", "rates": {"input_tokens": "3", "output_tokens": "15"}, "note": "assumed standard tier", "since": null, "until": null, "card": null}','ok',NULL,NULL,NULL,'http,event',NULL,NULL,NULL,1);
CREATE TABLE run_log (
	id INTEGER NOT NULL, 
	run_id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	level TEXT NOT NULL, 
	message TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "run_log" VALUES(1,'run-0',1795317398249818,'info','began');
INSERT INTO "run_log" VALUES(2,'run-1',1795317398254757,'info','began');
INSERT INTO "run_log" VALUES(3,'run-2',1795317398256394,'info','began');
CREATE TABLE run_tasks (
	run_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	task_name TEXT NOT NULL, 
	agent_name TEXT NOT NULL, 
	state TEXT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	PRIMARY KEY (run_id, position)
);
INSERT INTO "run_tasks" VALUES('run-0',0,'market','Analyst','completed',NULL,NULL);
INSERT INTO "run_tasks" VALUES('run-1',0,'market','Analyst','completed',NULL,NULL);
INSERT INTO "run_tasks" VALUES('run-2',0,'market','Analyst','completed',NULL,NULL);
CREATE TABLE runs (
	run_id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	preset TEXT, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	heartbeat_at BIGINT, 
	stop_requested_at BIGINT, 
	stop_reason TEXT, 
	worker TEXT, 
	pid INTEGER, 
	spec TEXT NOT NULL, 
	error TEXT, 
	readings TEXT, 
	evidence TEXT NOT NULL, 
	PRIMARY KEY (run_id)
);
INSERT INTO "runs" VALUES('run-0','Run 0','roi','completed',1769816400000000,1769816400000000,1769818200000000,NULL,NULL,NULL,NULL,NULL,'{"agents": ["a"]}',NULL,NULL,'{}');
INSERT INTO "runs" VALUES('run-1','Run 1','roi','completed',1780184400000000,1780184400000000,1780186200000000,NULL,NULL,NULL,NULL,NULL,'{"agents": ["a"]}',NULL,NULL,'{}');
INSERT INTO "runs" VALUES('run-2','Run 2','roi','completed',1790811600000000,1790811600000000,1790813400000000,NULL,NULL,NULL,NULL,NULL,'{"agents": ["a"]}',NULL,NULL,'{}');
CREATE TABLE schema_version (
	version INTEGER NOT NULL
);
INSERT INTO "schema_version" VALUES(3);
CREATE TABLE workers (
	worker_id TEXT NOT NULL, 
	host TEXT NOT NULL, 
	pid INTEGER NOT NULL, 
	started_at BIGINT NOT NULL, 
	heartbeat_at BIGINT NOT NULL, 
	running INTEGER NOT NULL, 
	warm INTEGER NOT NULL, 
	versions TEXT NOT NULL, 
	PRIMARY KEY (worker_id)
);
CREATE INDEX calls_by_run ON calls (run_id, started_at);
CREATE INDEX calls_by_time ON calls (started_at);
CREATE INDEX ix_run_log_run_id ON run_log (run_id);
CREATE INDEX runs_by_time ON runs (created_at);
