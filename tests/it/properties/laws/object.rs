//! A JSON object's members found a second way: by counting brackets. Knows nothing of the product.

/// One member of a valid object, as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What the key means.
    pub key: String,
    /// From the key's quote to the value's end.
    pub text: String,
    /// The value.
    pub value: String,
    /// Where the value begins in the text.
    pub at: usize,
}

/// An object in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What stands before the object, the bracket included.
    pub head: String,
    /// Its members, in order.
    pub members: Vec<Member>,
    /// What stands after it, the bracket included.
    pub tail: String,
}

/// The parts of `text`, which must be a valid JSON object.
pub fn parts(text: &str) -> Parts {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let (mut from, mut colon, mut members) = (0, None, Vec::new());
    let (mut open, mut close) = (0, text.len());
    for (at, c) in text.char_indices() {
        if in_string {
            (in_string, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' | '[' => {
                depth += 1;
                if depth == 1 {
                    (open, from) = (at + 1, at + 1);
                }
            }
            ':' if depth == 1 => colon = colon.or(Some(at)),
            ',' if depth == 1 => {
                members.extend(member(text, from, colon.take(), at));
                from = at + 1;
            }
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    members.extend(member(text, from, colon.take(), at));
                    close = at;
                }
            }
            _ => {}
        }
    }
    Parts { head: text[..open].to_owned(), members, tail: text[close..].to_owned() }
}

fn member(text: &str, from: usize, colon: Option<usize>, end: usize) -> Option<Member> {
    let colon = colon?;
    let key = serde_json::from_str(text[from..colon].trim()).expect("a valid key");
    let value = text[colon + 1..end].trim();
    let at = colon + 1 + (text[colon + 1..end].len() - text[colon + 1..end].trim_start().len());
    Some(Member { key, text: text[from..end].trim().to_owned(), value: value.to_owned(), at })
}

impl Parts {
    /// The value of the first member `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.members.iter().find(|member| member.key == name).map(|member| &*member.value)
    }

    /// Whether `name` stands more than once.
    pub fn is_duplicate(&self, name: &str) -> bool {
        self.members.iter().filter(|member| member.key == name).count() > 1
    }
}
