//! Answers as they look on a screen, with their styles between angle brackets.

use std::num::NonZero;

use super::Markdown;
use super::wrap::visible_width;

/// All at once, without codes.
fn plain(source: &str, width: usize) -> String {
    without_codes(&rendered(source, width))
}

fn rendered(source: &str, width: usize) -> String {
    let mut markdown = Markdown::new(Some(width));
    let begun = markdown.push(source);
    begun + &markdown.finish()
}

fn without_codes(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + piece.split_once('m').unwrap().1)
}

const ANSWER: &str = r#"# 标题 Title

一段**粗体**和*斜体*，还有`代码`与~~删除~~；链接见[文档](https://example.com/a_b)。
2 * 3 = 6，snake_case_name，a < b，R&D，&lt;tag&gt;，\*不是斜体\*，价格 $5。
**“引号里的粗体”**后面跟着文字，***都是***。未结束的 **粗体

1. 第一项
   继续第一项，a rather long line that has to be wrapped somewhere

   ```python
   def 函数(x):  # 注释
       return "字符串"
   ```
2. 第二项
  - 子项 *a*
  - 子项 b
    - 更深
10) 第十项

> 引用 **粗**
>
> 第二段
> - 引用中的列表

| 名称 | 数量 | `代码` |
|:-----|-----:|:----:|
| 苹果 | 12 | `a|b` |
| 梨 | 3 | x \| y |

---

```rust
fn main() {
	println!("你好");
}
```

    缩进的代码

* * *
- [x] 完成
- [ ] 未完成

结尾 👨‍👩‍👧 ok 🇨🇳
| 不是表格 |
```text
没有结束"#;

#[test]
fn an_answer_is_what_it_means() {
    let expected = "\
标题 Title

一段粗体和斜体，还有代码与删除；链接见文档
(https://example.com/a_b)。
2 * 3 = 6，snake_case_name，a < b，R&D，<tag>，*不是斜体
*，价格 $5。
“引号里的粗体”后面跟着文字，都是。未结束的 **粗体

1. 第一项
   继续第一项，a rather long line that has to be wrapped
   somewhere

   ╭─ python
   def 函数(x):  # 注释
       return \"字符串\"
   ╰─
2. 第二项
   ◦ 子项 a
   ◦ 子项 b
     ▪ 更深
10) 第十项

│ 引用 粗
│
│ 第二段
│ ◦ 引用中的列表

┌──────┬──────┬───────┐
│ 名称 ┆ 数量 ┆  代码 │
╞══════╪══════╪═══════╡
│ 苹果 ┆   12 ┆  a|b  │
│ 梨   ┆    3 ┆ x | y │
└──────┴──────┴───────┘

────────────────────────────────────────────────────────

╭─ rust
fn main() {
\tprintln!(\"你好\");
}
╰─

    缩进的代码

────────────────────────────────────────────────────────
• [x] 完成
• [ ] 未完成

结尾 👨‍👩‍👧 ok 🇨🇳
| 不是表格 |
╭─ text
没有结束
╰─
";
    assert_eq!(plain(ANSWER, 56), expected);
}

#[test]
fn it_does_not_matter_in_which_pieces_it_arrives() {
    let whole = rendered(ANSWER, 50);
    for at in (0..ANSWER.len()).filter(|at| ANSWER.is_char_boundary(*at)) {
        let mut markdown = Markdown::new(Some(50));
        let pieces = [markdown.push(&ANSWER[..at]), markdown.push(&ANSWER[at..]), markdown.finish()];
        assert_eq!(pieces.concat(), whole, "cut at {at}");
    }
    let mut markdown = Markdown::new(Some(50));
    let letters: String = ANSWER.chars().map(|letter| markdown.push(letter.encode_utf8(&mut [0; 4]))).collect();
    assert_eq!(letters + &markdown.finish(), whole);
}

#[test]
fn no_line_is_wider_than_the_terminal_unless_it_is_code() {
    for width in [40, 41, 57, 80] {
        for line in rendered(ANSWER, width).lines().filter(|line| !line.contains("println")) {
            assert!(visible_width(line) <= width, "{width}: {line:?}");
        }
    }
}

#[test]
fn the_screen_shows_the_styles() {
    let mut parser = vt100::Parser::new(NonZero::new(10).unwrap(), NonZero::new(40).unwrap(), 0);
    let text =
        rendered("# 头\n一个**粗**字，*斜*字，`码`，[链](http://x.y)\n```rust\nlet 值 = \"文\"; // 注\n```\n", 40).replace('\n', "\r\n");
    parser.process(text.as_bytes());
    let style = |character: &str| {
        let cells = (0..10).flat_map(|row| (0..40).map(move |column| (row, column)));
        let cell = cells.filter_map(|(row, column)| parser.screen().cell(row, column)).find(|cell| cell.contents() == character);
        let cell = cell.unwrap_or_else(|| panic!("no {character}"));
        (cell.bold(), cell.italic(), cell.underline(), cell.dim(), cell.fgcolor())
    };
    use vt100::Color::{Default, Idx};
    assert_eq!(style("头"), (true, false, true, false, Idx(6)));
    assert_eq!(style("粗"), (true, false, false, false, Default));
    assert_eq!(style("字"), (false, false, false, false, Default));
    assert_eq!(style("斜"), (false, true, false, false, Default));
    assert_eq!(style("码"), (false, false, false, false, Idx(3)));
    assert_eq!(style("链"), (false, false, true, false, Default));
    assert_eq!(style("h"), (false, false, false, true, Default));
    assert_eq!(style("文"), (false, false, false, false, Idx(2)));
    assert_eq!(style("注"), (false, false, false, true, Default));
}

/// What can be seen after `begun` has arrived.
fn seen(begun: &str) -> String {
    without_codes(&Markdown::new(Some(40)).push(begun))
}

#[test]
fn text_appears_as_it_arrives() {
    assert_eq!(seen("你好，世界"), "你好，世");
    assert_eq!(seen("two words and"), "two words");
    assert_eq!(seen("a **bold** wo"), "a bold");
    assert_eq!(seen("a **bold wo"), "a");
    assert_eq!(seen("- 第一项"), "• 第一");
    assert_eq!(seen("## 标题"), "标");
    assert_eq!(seen("```\nlet a;\nlet b"), "╭─\nlet a;\n");
    assert_eq!(seen("| a |\n|---|\n| 1 |\n"), "");
    assert_eq!(seen("2 * 3 and "), "2 * 3 and");
}

#[test]
fn what_is_no_markup_stays_as_it_is() {
    for text in [
        "1986. 年",
        "#hashtag",
        "a*b",
        "__init__.py",
        "-5 度",
        "1.5 倍",
        "a | b",
        r"\(x_1\) 与 \[y\]",
        "wow!",
        "~5 分钟",
        "[1] 注",
        "x<y",
        "C:\\dir",
    ] {
        let shown = plain(text, 80);
        assert!(shown == format!("{text}\n") || text == "__init__.py" && shown == "init.py\n", "{text}: {shown}");
    }
}

#[test]
fn a_fence_may_be_longer_and_hold_others() {
    assert_eq!(plain("````md\n```\nx\n```\n````\n后", 40), "╭─ md\n```\nx\n```\n╰─\n后\n");
    assert_eq!(plain("~~~\n```\n~~~", 40), "╭─\n```\n╰─\n");
    assert_eq!(plain("```一行```", 40), "一行\n");
    assert_eq!(plain("> ```\n> x\n之后", 40), "│ ╭─\n│ x\n│ ╰─\n之后\n");
}

#[test]
fn a_word_that_is_too_long_is_cut() {
    assert_eq!(plain(&"x".repeat(100), 40), format!("{}\n{}\n{}\n", "x".repeat(40), "x".repeat(40), "x".repeat(20)));
}

#[test]
fn hostile_text_is_bounded_work_and_loses_nothing() {
    for (unit, many) in [("*a ", 20_000), ("[", 50_000), ("> ", 3_000), ("- ", 3_000), ("`", 50_000), ("|a", 20_000), ("**a", 20_000)] {
        let source = unit.repeat(many) + "结尾";
        let shown = plain(&source, 80);
        assert!(shown.replace('\n', "").ends_with("结尾") || shown.contains("结尾"), "{unit}");
        assert!(shown.len() < source.len() * 20, "{unit}");
    }
}
