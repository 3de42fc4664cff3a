"""Shows the client at work: lists the models, asks one question whole and one streamed, in Chinese and in English.

    python3 demo.py [MODEL]

The gateway is that of $LLMGW_BASE_URL and $LLMGW_API_KEY, else http://localhost:8000 without a key.
"""

import os
import sys

import llmgw

HELP = """没有网关在监听。请在另一个终端启动（没有 API key 也能用，由内置的 mock 应答）：
No gateway listens. Start one in another terminal (without any API key, its built-in mock answers):

    llmgw serve                      # or: cargo run --release -- serve

它在别的地址？ Is it elsewhere?    export LLMGW_BASE_URL=http://HOST:PORT
"""


def main(model="auto"):
    """Runs the demonstration; returns the exit code."""
    try:
        show(model)
    except llmgw.LlmgwError as error:
        print(f"\n错误 error: {error}", file=sys.stderr)
        if error.code == "connection_failed":
            print("\n" + HELP, file=sys.stderr)
        elif error.status == 401:
            print("\n网关要求密钥。It wants a key: export LLMGW_API_KEY=…", file=sys.stderr)
        return 1
    return 0


def show(model):
    """Each function of the client, once."""
    models = llmgw.list_models()
    print(f"模型 models ({len(models)}): " + ", ".join(models[:10]) + (", …" if len(models) > 10 else ""))

    print("\n> 你是谁？")
    print(llmgw.chat("你是谁？", model, max_tokens=200, temperature=0.7))

    print("\n> Who are you?")
    for piece in llmgw.stream("Who are you?", model, system="Answer in one sentence.", max_tokens=200):
        print(piece, end="", flush=True)
    print()


if __name__ == "__main__":
    # A terminal that cannot show Chinese shows question marks, rather than nothing.
    for output in (sys.stdout, sys.stderr):
        output.reconfigure(errors="replace")
    try:
        code = main(*sys.argv[1:2])
    except BrokenPipeError:
        # Whoever read has enough; what is left in the buffer must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
