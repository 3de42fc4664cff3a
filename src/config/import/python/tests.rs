use serde_json::{Value, json};

use super::read;
use crate::config::import::ImportError;
use crate::config::import::source::EXPRESSION;

fn check(text: &str, expected: &Value) {
    assert_eq!(read(text).unwrap_or_else(|error| panic!("{text}: {error}")).0, *expected, "{text}");
}

#[test]
fn literals_are_read_as_python_reads_them() {
    check("A = 1\nB = -2.5\nC = 1_000\nD = 0x10\n", &json!({ "A": 1, "B": -2.5, "C": 1000, "D": 16 }));
    check("A = True; # 注释\n", &json!({ "A": EXPRESSION }));
    check("A: bool = False\nB: dict[str, list] = {}\nC = None\n", &json!({ "A": false, "B": {}, "C": null }));
    check("A = ('a', \"b\",)\nB = ('a')\nC = ()\nD = {'x', 'y'}\n", &json!({ "A": ["a", "b"], "B": "a", "C": [], "D": ["x", "y"] }));
    check("A = [\n  '一',  # 第一\n  '二',\n]\n", &json!({ "A": ["一", "二"] }));
    check("A = {'a': {'b': [1, {'c': None}]}, 2: 'x'}\n", &json!({ "A": { "a": { "b": [1, { "c": null }] }, "2": "x" } }));
}

#[test]
fn strings_have_all_their_forms() {
    check(r#"A = 'it\'s' "，好" r'\d+' "#, &json!({ "A": EXPRESSION }));
    check("A = 'it\\'s' \"，好\"\n", &json!({ "A": "it's，好" }));
    check("A = (\n  'https://a.example'\n  '/v1'\n)\n", &json!({ "A": "https://a.example/v1" }));
    check("A = r'\\d+'\nB = '\\u4f60\\x41\\n'\nC = u'x'\nD = f'plain'\n", &json!({ "A": "\\d+", "B": "你A\n", "C": "x", "D": "plain" }));
    check("A = '''一\n\"二\"'''\nB = ''\nC = \"#不是注释\"\n", &json!({ "A": "一\n\"二\"", "B": "", "C": "#不是注释" }));
    check("A = 'a' \\\n  'b'\n", &json!({ "A": "ab" }));
}

#[test]
fn nothing_is_executed_and_everything_is_told() {
    let text = "import os\nfrom x import y\n'''说明'''\nA = open('/etc/passwd').read()\nB = {'k': secret(), 'n': 1, **other}\nC = 60 * 5\n\
                print('x')\nif True:\n    D = 1\nE = f'{A}'\nF += 1\n";
    let expected = json!({
        "A": EXPRESSION, "B": { "k": EXPRESSION, "n": 1, "**": EXPRESSION }, "C": EXPRESSION,
        "line 7": EXPRESSION, "line 8": EXPRESSION, "E": EXPRESSION, "line 11": EXPRESSION,
    });
    check(text, &expected);
}

#[test]
fn variables_and_names_from_above_stand_for_what_they_are() {
    let text =
        "KEY = os.environ['OPENAI_API_KEY']\nB = {'a': os.getenv('X'), 'b': os.environ.get(\"Y\", 'd'), 'c': KEY, 'd': os.getenv(n)}\n";
    let expected = json!({ "KEY": "${OPENAI_API_KEY}", "B": { "a": "${X}", "b": "${Y:-d}", "c": "${OPENAI_API_KEY}", "d": EXPRESSION } });
    check(text, &expected);
    assert_eq!(read(text).unwrap().1, ["KEY"]);
}

#[test]
fn what_is_no_python_is_told_with_its_place() {
    for (text, expected) in [
        ("A = [1,\n", "2:1: the file ends within brackets"),
        ("A = 'x\n", "1:8: a string without its end"),
        ("好 = 1\nA = }\n", "2:5: a bracket that was never opened"),
    ] {
        let Err(ImportError::Syntax { line, column, message }) = read(text) else { panic!("{text} was read") };
        assert_eq!(format!("{line}:{column}: {message}").split(':').next_back(), expected.split(':').next_back(), "{text}");
        assert_eq!(line.to_string(), expected.split(':').next().unwrap(), "{text}");
        assert!(column > 0);
    }
}
