//! Requests whose end two servers could see in two places.

use super::{Case, Closed, ONE_CHAT, Open, body, case, chat, chunked, get, play, post, refused, smuggled, start};

#[tokio::test]
async fn a_length_beside_chunks_is_ignored_and_the_connection_ends() {
    let (target, gateway) = start().await;
    let both = |headers: &str| chat(headers, &(chunked(&body()) + &smuggled()));
    let cases = vec![
        case("chunks, then a length", both("transfer-encoding: chunked\r\ncontent-length: 4\r\n"), &[200], Closed, ONE_CHAT),
        case("a length, then chunks", both("content-length: 4\r\ntransfer-encoding: chunked\r\n"), &[200], Closed, ONE_CHAT),
        case("chunks and a length that is none", both("transfer-encoding: chunked\r\ncontent-length: x\r\n"), &[200], Closed, ONE_CHAT),
        case("chunks behind a bare line feed", both("content-length: 4\r\nx: y\ntransfer-encoding: chunked\r\n"), &[200], Closed, ONE_CHAT),
        case(
            "chunks that end at once, beside a length",
            chat("content-length: 120\r\ntransfer-encoding: chunked\r\n", &format!("0\r\n\r\n{}", smuggled())),
            &[400],
            Closed,
            &[],
        ),
    ];
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn a_length_is_one_number_in_digits() {
    let (target, gateway) = start().await;
    let (body, length) = (body(), body().len());
    let with = |lengths: &[String]| {
        let lines: String = lengths.iter().map(|length| format!("content-length:{length}\r\n")).collect();
        chat(&lines, &body)
    };
    let mut cases = vec![
        case("a length in blanks", with(&[format!(" \t{length}\t ")]), &[200], Open, ONE_CHAT),
        case("a length with zeros before it", with(&[format!(" 000{length}")]), &[200], Open, ONE_CHAT),
        case("the same length twice", with(&[format!(" {length}"), format!(" {length}")]), &[200], Open, ONE_CHAT),
    ];
    for wrong in [
        vec![length.to_string(), (length - 1).to_string()],
        vec!["0".to_owned(), length.to_string()],
        vec![format!("{length}, {length}")],
        vec![format!("{length},{}", length + 1)],
        vec![format!("-{length}")],
        vec![format!("+{length}")],
        vec![format!("0x{length:x}")],
        vec![format!("{length}.0")],
        vec!["1e2".to_owned()],
        vec![format!("{length} {length}")],
        vec![format!("{length};")],
        vec!["\u{ff11}".to_owned()],
        vec![String::new()],
        vec!["99999999999999999999".to_owned()],
    ] {
        cases.push(refused(format!("the length {wrong:?}"), with(&wrong), &[400]));
    }
    // What hyper itself takes for the mark of no length.
    cases.push(refused("the largest number", with(&[u64::MAX.to_string()]), &[431]));
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn the_only_transfer_coding_is_a_single_chunked() {
    let (target, gateway) = start().await;
    let with = |lines: &str| chat(lines, &(chunked(&body()) + &smuggled()));
    let alone = |line: &str| chat(line, &chunked(&body()));
    let mut cases = vec![
        case("in capitals", alone("Transfer-Encoding: CHUNKED\r\n"), &[200], Open, ONE_CHAT),
        case("after a tab", alone("transfer-encoding:\tchunked\t\r\n"), &[200], Open, ONE_CHAT),
    ];
    for wrong in [
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: ,chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunkedx\r\n",
        "transfer-encoding: chunked;q=1\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding:\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding:\x0bchunked\r\n",
        "transfer-encoding: \x0cchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding\t: chunked\r\n",
        " transfer-encoding: chunked\r\n",
        "transfer-encoding:\r\n chunked\r\n",
        "x: y\r\n\ttransfer-encoding: chunked\r\n",
        "x: y\rtransfer-encoding: chunked\r\n",
        "transfer-encoding: chu\0nked\r\n",
        "transfer\0-encoding: chunked\r\n",
        "transfer-encoding\r\n",
        ": chunked\r\n",
    ] {
        cases.push(refused(format!("{wrong:?}"), with(wrong), &[400]));
    }
    let old = with("transfer-encoding: chunked\r\n").replace("HTTP/1.1", "HTTP/1.0");
    cases.push(refused("chunks over HTTP/1.0", old, &[400]));
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn a_header_that_only_looks_like_framing_neither_frames_nor_goes_on() {
    let (target, gateway) = start().await;
    let length = format!("content-length: {}\r\n", body().len());
    let cases =
        ["transfer_encoding: chunked\r\n", "content_length: 1\r\n", "x_llmgw_provider: open\r\n", "x_api_key: sk\r\nproxy_x: 1\r\n"]
            .map(|line| case(line, chat(&format!("{length}{line}"), &body()), &[200], Open, ONE_CHAT));
    play(&target, &gateway, cases.into()).await;
    let mut wire = super::Wire::connect(gateway.address).await;
    wire.write(chat(&format!("{length}transfer_encoding: chunked\r\nx_forwarded_for: ::1\r\nx_own: 1\r\n"), &body()).as_bytes()).await;
    assert_eq!(wire.next_answer(false).await.status, 200);
    let seen = target.take();
    let names: Vec<&str> = seen[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"x_own") && !names.iter().any(|name| name.starts_with("transfer") || name.contains("forwarded")), "{names:?}");
}

#[tokio::test]
async fn chunks_are_read_to_the_letter() {
    let (target, gateway) = start().await;
    let (body, size) = (body(), format!("{:x}", body().len()));
    let with = |framed: &str| chat("transfer-encoding: chunked\r\n", framed);
    let mut cases = vec![
        case("an extension", with(&format!("{size};a=b;c=\"d\"\r\n{body}\r\n0;x\r\n\r\n")), &[200], Open, ONE_CHAT),
        case(
            "a size with zeros, in capitals",
            with(&format!("000{}\r\n{body}\r\n000\r\n\r\n", size.to_uppercase())),
            &[200],
            Open,
            ONE_CHAT,
        ),
        case("a size before blanks", with(&format!("{size} \t\r\n{body}\r\n0\r\n\r\n")), &[200], Open, ONE_CHAT),
    ];
    for (name, framed) in [
        ("no size", format!("\r\n{body}\r\n0\r\n\r\n")),
        ("a negative size", format!("-{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size with a plus", format!("+{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size with 0x", format!("0x{size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size after a blank", format!(" {size}\r\n{body}\r\n0\r\n\r\n")),
        ("two sizes", format!("{size} {size}\r\n{body}\r\n0\r\n\r\n")),
        ("a size beyond all numbers", format!("fffffffffffffffff\r\n{body}\r\n0\r\n\r\n")),
        ("a size and a bare line feed", format!("{size}\n{body}\r\n0\r\n\r\n")),
        ("a line feed in an extension", format!("{size};\n{body}\r\n0\r\n\r\n")),
        ("a carriage return in an extension", format!("{size};a\rb\r\n{body}\r\n0\r\n\r\n")),
        ("a chunk that is longer than its size", format!("{size}\r\n{body}x\r\n0\r\n\r\n")),
        ("a chunk that ends with a bare line feed", format!("{size}\r\n{body}\n0\r\n\r\n")),
        ("an end without its line", format!("{size}\r\n{body}\r\n0\r\nGET / HTTP/1.1\r\n\r\n")),
        ("an end with a bare carriage return", format!("{size}\r\n{body}\r\n0\r\n\rx")),
        ("endless extensions", format!("{size};{}\r\n{body}\r\n0\r\n\r\n", "x".repeat(20_000))),
        ("endless trailers", format!("{size}\r\n{body}\r\n0\r\nx: {}\r\n\r\n", "y".repeat(20_000))),
        ("a trailer that is folded", format!("{size}\r\n{body}\r\n0\r\nx: y\r\n z\r\n\r\n")),
    ] {
        cases.push(refused(name, with(&(framed + &smuggled())), &[400]));
    }
    play(&target, &gateway, cases).await;
}

#[tokio::test]
async fn trailers_do_not_become_headers_and_go_nowhere() {
    let (target, gateway) = start().await;
    let trailers = "x-late: 1\r\nauthorization: Bearer evil\r\nx-llmgw-provider: open\r\ncontent-length: 1\r\ntransfer-encoding: x\r\n";
    let framed = format!("{:x}\r\n{}\r\n0\r\n{trailers}\r\n", body().len(), body());
    let announced = "transfer-encoding: chunked\r\ntrailer: x-late\r\nte: trailers\r\nconnection: te\r\n";
    let cases = vec![
        case("to a chat", chat(announced, &framed), &[200], Open, ONE_CHAT),
        case("to a pass-through", post("/providers/a/files", announced, &framed), &[200], Open, &["POST /v1/files chunked"]),
    ];
    play(&target, &gateway, cases).await;
    let mut wire = super::Wire::connect(gateway.address).await;
    wire.write(post("/providers/a/files", announced, &framed).as_bytes()).await;
    assert_eq!(wire.next_answer(false).await.status, 200);
    let seen = target.take();
    assert_eq!(seen[0].body, body().as_bytes());
    assert!(seen[0].value("x-late").is_none());
}

#[tokio::test]
async fn what_follows_a_body_is_the_next_request() {
    let (target, gateway) = start().await;
    let (body, length) = (body(), format!("content-length: {}\r\n", body().len()));
    let chunks = "transfer-encoding: chunked\r\n";
    let next = get("/providers/a/next", "");
    let two: &[&str] = &["POST /v1/chat/completions length", "GET /v1/next none"];
    let cases: Vec<Case> = vec![
        case("after chunks", chat(chunks, &(chunked(&body) + &next)), &[200, 200], Open, two),
        case("after a length", chat(&length, &(body.clone() + &next)), &[200, 200], Open, two),
        case("after an empty line", chat(&length, &(body.clone() + "\r\n" + &next)), &[200, 200], Open, two),
        case(
            "after bytes that pass through",
            post("/providers/a/files", chunks, &(chunked("abc") + &next)),
            &[200, 200],
            Open,
            &["POST /v1/files chunked", "GET /v1/next none"],
        ),
        case(
            "after a refusal that did not read its body",
            post("/nowhere", &length, &(body.clone() + &next)),
            &[404, 200],
            Open,
            &["GET /v1/next none"],
        ),
        case(
            "after a body that nobody expects",
            get("/v1/models", "content-length: 5\r\n") + "hello" + &next,
            &[200, 200],
            Open,
            &["GET /v1/next none"],
        ),
        refused("after too short a length", chat("content-length: 5\r\n", &body), &[400, 400]),
        refused("after no length at all", chat("", &body), &[400, 400]),
    ];
    play(&target, &gateway, cases).await;
}
