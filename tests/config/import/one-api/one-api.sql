-- one-api 0.6 的数据库
CREATE TABLE users (id integer PRIMARY KEY AUTOINCREMENT, username text, password text NOT NULL, display_name text, role integer DEFAULT 1, status integer DEFAULT 1, access_token char(32), quota bigint DEFAULT 0, "group" varchar(32) DEFAULT 'default');
CREATE TABLE channels (id integer PRIMARY KEY AUTOINCREMENT, type integer DEFAULT 0, key text, status integer DEFAULT 1, name text, weight integer DEFAULT 0, created_time bigint, test_time bigint, response_time integer, base_url text DEFAULT '', other text, balance real, balance_updated_time bigint, models text, "group" varchar(32) DEFAULT 'default', used_quota bigint DEFAULT 0, model_mapping varchar(1024) DEFAULT '', priority bigint DEFAULT 0, config text, system_prompt text);
CREATE TABLE tokens (id integer PRIMARY KEY AUTOINCREMENT, user_id integer, key char(48), status integer DEFAULT 1, name text, created_time bigint, accessed_time bigint, expired_time bigint DEFAULT -1, remain_quota bigint DEFAULT 0, unlimited_quota numeric DEFAULT false, used_quota bigint DEFAULT 0, models text DEFAULT NULL, subnet text DEFAULT '');
CREATE TABLE abilities ("group" varchar(32), model text, channel_id integer, enabled numeric, priority bigint DEFAULT 0, PRIMARY KEY ("group", model, channel_id));
CREATE TABLE options (key text, value text, PRIMARY KEY (key));
CREATE TABLE logs (id integer PRIMARY KEY AUTOINCREMENT, user_id integer, content text);
CREATE TABLE redemptions (id integer PRIMARY KEY AUTOINCREMENT, key char(32), quota bigint);

INSERT INTO users (username, password, display_name, role) VALUES ('root', '$2a$10$geheim-0123456789', '管理员', 100), ('zhang', '$2a$10$geheim-9876543210', '张三', 1);
INSERT INTO channels (type, key, status, name, weight, created_time, test_time, response_time, base_url, other, balance, balance_updated_time, models, "group", used_quota, model_mapping, priority, config) VALUES
  (1, 'sk-openai-0123456789', 1, 'OpenAI 主渠道', 0, 1700000000, 1700000100, 812, '', '', 12.5, 1700000200, 'gpt-4o,gpt-4o-mini,text-embedding-3-small', 'default', 123456, '', 10, ''),
  (8, 'sk-relay-0123456789', 1, '中转', 0, 1700000000, 0, 0, 'https://relay.example/v1', '', 0, 0, 'gpt-4o,claude-3-5-sonnet', 'default,vip', 0, '{"claude-3-5-sonnet": "anthropic/claude-3.5-sonnet"}', 5, '{}'),
  (36, 'sk-deepseek-0123456789', 1, 'DeepSeek', 0, 1700000000, 0, 0, '', '', 0, 0, 'deepseek-chat,deepseek-reasoner', 'default', 0, '', 5, ''),
  (3, 'azure-0123456789', 1, 'Azure', 0, 1700000000, 0, 0, 'https://res.openai.azure.com', '2024-10-21', 0, 0, 'gpt-4o', 'default', 0, '{"gpt-4o":"gpt4o-prod"}', 0, ''),
  (14, 'sk-ant-0123456789', 3, 'Anthropic', 0, 1700000000, 0, 0, '', '', 0, 0, 'claude-3-5-sonnet', 'default', 0, '', 0, ''),
  (30, '', 2, 'Ollama 本地', 0, 1700000000, 0, 0, 'http://10.0.0.9:11434', '', 0, 0, 'qwen2.5:7b', 'default', 0, '', 0, ''),
  (33, '', 1, 'AWS', 0, 1700000000, 0, 0, '', '', 0, 0, 'claude-3-haiku-20240307', 'default', 0, '{"claude-3-haiku-20240307":"anthropic.claude-3-haiku-20240307-v1:0"}', 0, '{"region":"us-east-1","ak":"AKIA0123456789","sk":"aws-secret-0123456789"}'),
  (18, 'appid|secret|key', 1, '讯飞星火', 0, 1700000000, 0, 0, '', 'v3.1', 0, 0, 'SparkDesk', 'default', 0, '', 0, ''),
  (16, 'zhipu-0123456789', 1, '智谱', 0, 1700000000, 0, 0, 'https://open.bigmodel.cn', '', 0, 0, 'glm-4', 'default', 0, '', 0, ''),
  (25, 'sk-moonshot-0123456789', 1, 'Kimi', 0, 1700000000, 0, 0, 'https://api.moonshot.cn/', '', 0, 0, 'moonshot-v1-8k', 'default', 0, '', 0, '');
UPDATE channels SET system_prompt = '你是助手' WHERE id = 9;
INSERT INTO tokens (user_id, key, status, name, created_time, accessed_time, expired_time, remain_quota, unlimited_quota, models, subnet) VALUES
  (1, 'root0123456789root0123456789root0123456789abcdef', 1, '管理员', 1700000000, 1700000500, -1, 0, 1, NULL, ''),
  (2, 'zhang0123456789zhang0123456789zhang0123456789abc', 1, '张三', 1700000000, 1700000500, 1893456000, 500000, 0, 'gpt-4o-mini,deepseek-chat', '10.0.0.0/8'),
  (2, 'gone0123456789gone0123456789gone0123456789abcdef', 2, '停用', 1700000000, 1700000500, -1, 0, 1, NULL, ''),
  (2, 'over0123456789over0123456789over0123456789abcdef', 4, '用尽', 1700000000, 1700000500, -1, 0, 0, NULL, '');
INSERT INTO abilities VALUES ('default', 'gpt-4o', 1, 1, 10), ('default', 'gpt-4o-mini', 1, 0, 10), ('default', 'gpt-4o', 2, 1, 5), ('vip', 'gpt-4o', 2, 1, 5), ('default', 'qwen2.5:7b', 6, 0, 0);
INSERT INTO options VALUES ('RetryTimes', '2'), ('GroupRatio', '{"default":1,"vip":0.8}'), ('ModelRatio', '{"gpt-4o":1.25}'), ('AutomaticDisableChannelEnabled', 'true'), ('GitHubClientSecret', 'geheim-github-0123456789'), ('SystemName', '内部网关'), ('LogConsumeEnabled', 'true');
INSERT INTO logs (user_id, content) VALUES (1, '登录'), (1, '请求'), (2, '请求');
