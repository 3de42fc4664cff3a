"""The nginx of docs/guides/nginx.md in front of a gateway: nginx takes the file as it is, and streams pass it unheld."""

import re
import shutil
import socket
import subprocess
import time

import httpx
import openai
import pytest

from conftest import PATIENCE, ROOT, serving

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is missing: apt-get install nginx-light")

GUIDES = [ROOT / "docs" / "guides" / name for name in ("nginx.md", "nginx.zh.md")]
KEY = "sk-nginx-0123456789"

GATEWAY = """
providers: [{ name: slow, type: mock, latency: 20ms, tokens_per_second: 20 }]
models: { chat: { routes: [{ provider: slow }] } }
auth: { keys: [{ name: app, key: sk-nginx-0123456789 }] }
"""

# What Debian's nginx.conf has around a file of conf.d, but for where it writes.
AROUND = """
daemon off;
pid {home}/pid;
error_log {home}/error;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    {conf}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def configuration(guide, home, gateway, port):
    """The file of the guide, and below `/llm/` what it says of a path, for this gateway and on this port."""
    site, path = re.findall(r"^```nginx\n(.*?)^```", guide.read_text(), re.S | re.M)
    site = site.replace("127.0.0.1:8000", gateway.removeprefix("http://")).replace("listen 80;", f"listen 127.0.0.1:{port};")
    end = site.rindex("}")
    return AROUND.format(home=home, conf=site[:end] + path + site[end:])


@pytest.fixture(params=GUIDES, ids=lambda guide: guide.name)
def nginx(request, tmp_path):
    """The address of an nginx as the guide has it, before a gateway whose mock is slow."""
    (tmp_path / "llmgw.yaml").write_text(GATEWAY)
    with serving(tmp_path, "--config", str(tmp_path / "llmgw.yaml")) as gateway:
        port, file = free_port(), tmp_path / "nginx.conf"
        file.write_text(configuration(request.param, tmp_path, gateway.url, port))
        check = subprocess.run(["nginx", "-t", "-e", "stderr", "-c", str(file)], capture_output=True, text=True, timeout=PATIENCE)
        assert check.returncode == 0 and "warn" not in check.stderr, check.stderr
        child = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(file)], stderr=subprocess.DEVNULL)
        try:
            answers(f"http://127.0.0.1:{port}/healthz")
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait(PATIENCE)


def answers(url):
    """Waits until there is an answer: nginx does not say when it listens."""
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, timeout=PATIENCE) as client:
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("path", ["/v1", "/llm/v1"])
def test_words_come_through_nginx_as_they_are_said(nginx, path):
    client = openai.OpenAI(base_url=nginx + path, api_key=KEY, max_retries=0, timeout=PATIENCE)
    messages = [{"role": "user", "content": "你好"}]
    times = [time.monotonic() for chunk in client.chat.completions.create(model="chat", messages=messages, stream=True) if chunk.choices]
    assert len(times) > 5
    # Held back, all would come at once. They are said over more than a second.
    assert times[-1] - times[0] > 0.5


def test_what_came_through_nginx_is_not_this_machine(nginx):
    reply = httpx.post(nginx + "/v1/chat/completions", json={}, timeout=PATIENCE)
    assert reply.status_code == 401 and reply.json()["error"]["code"] == "invalid_api_key"
    assert httpx.get(nginx + "/metrics", timeout=PATIENCE).status_code == 404
    assert httpx.get(nginx + "/llm/docs", timeout=PATIENCE).status_code == 200
