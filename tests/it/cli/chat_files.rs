//! `llmgw chat --file`: what a model gets to see, and what is refused before anything is sent.

use serde_json::json;

use super::process::Home;
use super::upstream::Upstream;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0";

#[test]
fn files_stand_before_the_prompt_with_their_names() {
    let upstream = Upstream::saying("好");
    let home = Home::with(&upstream.config());
    home.write("笔记/一.md", "# 标题\n");
    home.write("笔记/二.md", "没有结尾");
    home.run(&["chat", "-m", "m", "-f", "笔记/*.md", "总结"], 0).prints("好\n");
    let expected = "<file name=\"笔记/一.md\">\n# 标题\n</file>\n\n<file name=\"笔记/二.md\">\n没有结尾\n</file>\n\n总结";
    assert_eq!(upstream.body()["messages"], json!([{ "role": "user", "content": expected }]));
}

#[test]
fn images_and_pdfs_are_told_by_their_bytes() {
    let upstream = Upstream::saying("ok");
    let home = Home::with(&upstream.config());
    home.write("图.bin", PNG);
    home.write("报告", b"%PDF-1.7\n\xe2");
    home.run(&["chat", "-m", "m", "-f", "图.bin", "-f", "报告", "这是什么"], 0);
    let expected = json!([
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw0KGgoAAA==" } },
        { "type": "file", "file": { "filename": "报告", "file_data": "data:application/pdf;base64,JVBERi0xLjcK4g==" } },
        { "type": "text", "text": "这是什么" },
    ]);
    assert_eq!(upstream.body()["messages"][0]["content"], expected);
}

#[test]
fn stdin_can_be_a_file() {
    let upstream = Upstream::saying("ok");
    let home = Home::with(&upstream.config());
    home.llmgw(&["chat", "-m", "m", "-f", "-", "图里有什么"]).stdin(PNG).ends(0);
    let content = &upstream.body()["messages"][0]["content"];
    assert_eq!((&content[0]["type"], &content[1]["text"]), (&json!("image_url"), &json!("图里有什么")));
}

#[test]
fn a_file_alone_is_a_question() {
    let upstream = Upstream::saying("ok");
    let home = Home::with(&upstream.config());
    home.write("问题.txt", "你是谁\n");
    home.run(&["chat", "-m", "m", "-f", "问题.txt"], 0);
    assert_eq!(upstream.body()["messages"][0]["content"], "<file name=\"问题.txt\">\n你是谁\n</file>");
}

#[test]
fn what_cannot_be_attached_is_refused_before_anything_is_sent() {
    let upstream = Upstream::saying("never");
    let home = Home::with(&upstream.config());
    home.write("程序", b"\x7fELF\x02\0\0");
    home.write("gb.txt", b"\xc4\xe3\xba\xc3");
    home.write("目录/a.txt", "a");
    home.write("ok.txt", "ok");
    for (file, needle) in [
        ("没有.txt", "error: there is no file `没有.txt`"),
        ("*.pdf", "error: no file matches `*.pdf`"),
        ("程序", "error: `程序` is neither text, nor an image that models know, nor a PDF"),
        ("gb.txt", "error: `gb.txt` is not UTF-8 text (byte 0)"),
        ("目录", "error: `目录` is a directory"),
    ] {
        home.run(&["chat", "-m", "m", "-f", "ok.txt", "-f", file, "hi"], 2).prints("").says(&[needle, "hint: "]);
    }
    let large = std::fs::File::create(home.path("large.txt")).expect("a file");
    large.set_len((20 << 20) + 1).expect("a sparse file");
    home.run(&["chat", "-m", "m", "-f", "large.txt", "hi"], 2).says(&["error: `large.txt` is larger than 20 MiB", "hint: "]);
    assert!(upstream.requests().is_empty());
}

#[test]
fn an_address_is_fetched_only_with_consent() {
    let upstream = Upstream::saying("ok");
    let web = Upstream::start(|asked, line| match asked.path.as_str() {
        "/笔记.json" | "/%E7%AC%94%E8%AE%B0.json?key=geheim" => line.json(200, &json!({ "你": "好" })),
        "/moved" => line.json(302, &json!({})),
        _ => line.json(404, &json!({})),
    });
    let home = Home::with(&upstream.config());
    let address = |path: &str| format!("http://{}{path}", web.authority());
    let secret = address("/笔记.json?key=geheim");
    let ended = home.run(&["chat", "-m", "m", "-f", &secret, "hi"], 2).says(&["nobody is here to be asked", "hint: `--yes`"]);
    assert!(!ended.err.contains("geheim"), "{ended:#?}");
    assert!(web.requests().is_empty() && upstream.requests().is_empty());

    home.run(&["chat", "-m", "m", "--yes", "-f", &secret, "hi"], 0).prints("ok\n");
    let sent = upstream.body()["messages"][0]["content"].as_str().expect("a text").to_owned();
    assert!(sent.contains("{\"你\":\"好\"}\n</file>\n\nhi") && !sent.contains("geheim"), "{sent}");

    for (path, needle) in [("/moved", "it redirects elsewhere"), ("/none", "the server answers 404")] {
        home.run(&["chat", "-m", "m", "-y", "-f", &address(path), "hi"], 1).prints("").says(&[needle, "hint: nothing was sent"]);
    }
    assert_eq!(upstream.requests().len(), 1);
}
