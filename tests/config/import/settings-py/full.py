"""统一代理的设置。"""
import os

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent

HOST = "0.0.0.0"
PORT = 8600
DEBUG = False
LOG_LEVEL: str = "INFO"

API_KEYS = {
    "张三": "sk-zhangsan-0123456789",
    "ci": os.environ["GATEWAY_CI_KEY"],
}

REQUEST_TIMEOUT = 120  # 秒
CONNECT_TIMEOUT = 5.0
COOLDOWN_SECONDS = 60
MAX_FAILURES = 3

RELAY = "https://relay.example.com" "/v1"

UPSTREAM_PROVIDERS = [
    {
        "name": "openai",
        "base_url": "https://api.openai.com/v1",
        "api_key": os.getenv("OPENAI_API_KEY"),
        "priority": 1,
        "models": ["gpt-4o", "gpt-4o-mini"],
    },
    {
        "name": "中转",
        "base_url": RELAY,
        "api_keys": ["sk-a-0123456789", "sk-b-0123456789"],
        "priority": 2,
        "models": ("gpt-4o", "deepseek-chat",),
        "timeout": 60,
        "headers": {"X-Team": "平台"},
        "weight": 5,
    },
    {
        "name": "动态",
        "base_url": "https://dynamic.example.com/v1",
        "api_key": load_secret("dynamic"),
        "priority": 3,
        "match": [r"^qwen-.*", ".*glm.*"],
    },
    {
        "name": "ollama",
        "base_url": "http://localhost:11434/v1",
        "priority": 4,
        "enabled": False,
    },
]

MODEL_ALIASES = {
    "gpt-4": "gpt-4o",
    "便宜": ["deepseek-chat", "gpt-4o-mini"],
    "claude": {"中转": "claude-sonnet-4", "没有": "x"},
}

if DEBUG:
    LOG_LEVEL = "DEBUG"

CACHE_TTL = 60 * 5
